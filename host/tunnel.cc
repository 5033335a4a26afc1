#include "host/tunnel.h"

#include <utility>

namespace duet {

WriteResult Tunnel::write(std::string_view bytes) {
  if (ended_) return WriteResult::kGone;
  transport_->output().append(bytes);
  transport_->wrote(bytes.size());
  if (transport_->unsent() < kOutputHighWater) return WriteResult::kOk;
  full_ = true;
  return WriteResult::kFull;
}

bool Tunnel::end() {
  if (std::exchange(ended_, true)) return false;
  full_ = transport_->unsent() > 0;
  if (peer_ended_) {
    transport_->finish(false);
  } else {
    transport_->end_output();
  }
  return full_;
}

void Tunnel::destroy() {
  ended_ = true;
  transport_->cut();
}

void Tunnel::reset() {
  ended_ = true;
  transport_->reset();
}

void Tunnel::pause() {
  paused_ = true;
  transport_->pause_input(true);
}

void Tunnel::resume() {
  paused_ = false;
  transport_->pause_input(false);
}

std::size_t Tunnel::on_bytes(char* bytes, std::size_t size, Nanos) {
  if (paused_) return 0;
  listener_.on_data(*this, {bytes, size});
  return size;
}

void Tunnel::on_peer_end() {
  peer_ended_ = true;
  listener_.on_peer_end(*this);
  if (ended_) transport_->finish(false);
}

void Tunnel::on_sent() {
  if (std::exchange(full_, false)) listener_.on_writable(*this);
}

void Tunnel::on_gone(int error) {
  ended_ = true;
  listener_.on_close(*this, error);
  owner_.table_.remove(id_);  // destroys this
}

SessionId Tunnels::open(Exchange& exchange, TunnelListener& listener) {
  const SessionId id = table_.next_id();
  Tunnel& tunnel = table_.add(std::make_unique<Tunnel>(*this, id, listener, exchange.handler()));
  tunnel.transport_ = exchange.upgrade(tunnel, {});
  if (tunnel.transport_ != nullptr) return id;
  table_.remove(id);
  return 0;
}

}  // namespace duet
