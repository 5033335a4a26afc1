// HMAC-SHA-256 (RFC 2104, FIPS 180-4), for signing what is posted: some messages an hour, so it
// is written for reading. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace duet::outbox {

using Digest = std::array<std::uint8_t, 32>;

Digest sha256(std::string_view bytes);
Digest hmac_sha256(std::string_view key, std::string_view bytes);
std::string in_hex(const Digest& digest);

}  // namespace duet::outbox
