// SHA-1, which RFC 6455 uses to tell a WebSocket's server from any other; nothing here relies on it
// for secrecy. Of our own, because it is all that the core would need OpenSSL for, and loading that
// takes longer than the rest of its start.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace duet::websocket {

using Sha1Digest = std::array<std::uint8_t, 20>;
Sha1Digest sha1(std::string_view bytes);

}  // namespace duet::websocket
