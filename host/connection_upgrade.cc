// When the connection leaves HTTP: the same socket, output and backpressure for whoever took over.
#include <utility>

#include "host/connection.h"

namespace duet {

UpgradeTransport* HttpConnection::send_upgrade(Exchange& exchange, std::string_view head,
                                               Upgraded& upgraded) {
  // Answers leave in the order of requests, and what follows the upgrade is no answer.
  if (&exchange != newest_ || &exchange != writing_) return nullptr;
  if (closed_ || !upgrade_asked_ || server_.draining_) return nullptr;
  upgraded_ = &upgraded;
  close_after_ = false;  // whatever the request said about the connection was about HTTP
  exchange.status_ = 101;
  exchange.state_ = Exchange::State::kComplete;
  std::string& out = output_of(exchange);
  out.append(head);
  account(exchange, head.size());
  answer_complete(exchange);
  stream_.read_to_the_end();
  return this;
}

void HttpConnection::process_upgraded(char* bytes, std::size_t size, Nanos started) {
  const Nanos at = now();
  server_.ledger_.charge_host(upgraded_->handler(), started, at);
  const std::size_t taken = upgraded_->on_bytes(bytes, size, at);
  if (taken < size && !close_after_) pending_input_.assign(bytes + taken, size - taken);
  mark_dirty();
  server_.has_read_message(started);
}

std::string HttpConnection::take_input() {
  mark_dirty();  // reading may go on
  return std::exchange(pending_input_, {});
}

std::string& HttpConnection::output() {
  take_spare_output();
  return output_;
}

void HttpConnection::wrote(std::size_t bytes) {
  produced_ += bytes;
  mark_dirty();
}

void HttpConnection::pause_input(bool paused) {
  if (std::exchange(input_paused_, paused) != paused) mark_dirty();
}

void HttpConnection::end_output() {
  ends_output_ = true;
  mark_dirty();
}

void HttpConnection::finish(bool linger) {
  close_after_ = true;
  linger_after_ = linger;
  mark_dirty();
}

void HttpConnection::cut() {
  cut_ = true;
  mark_dirty();
}

void HttpConnection::reset() {
  stream_.reset_on_close();
  cut();
}

// For whom the connection works now.
measure::HandlerIndex HttpConnection::payer() const {
  if (oldest_ != nullptr) return oldest_->handler();
  return upgraded_ != nullptr ? upgraded_->handler() : measure::kNoHandler;
}

}  // namespace duet
