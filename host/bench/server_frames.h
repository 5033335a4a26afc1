// A WebSocket as its client sees it: what a server sends, taken apart, and messages to send. Pure.
//
// Lenient where it does not matter for measuring (text is not checked), strict where bytes could be
// taken for something else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace duet::bench {

class ServerFrames {
 public:
  class Sink {
   public:
    virtual void on_payload(std::string_view piece) = 0;  // of a message
    virtual void on_message() = 0;                        // it is complete
    virtual void on_ping(std::string_view payload) = 0;

   protected:
    ~Sink() = default;
  };

  explicit ServerFrames(Sink& sink) : sink_(sink) {}
  // A new connection.
  void reset();
  // False: the server has closed, or what came is no WebSocket; feed no more.
  bool feed(std::string_view bytes);

 private:
  bool begin_frame();

  Sink& sink_;
  std::string header_, control_;
  std::uint64_t left_ = 0;  // of the payload
  bool in_payload_ = false;
};

// A whole masked frame. Text when it is UTF-8, binary otherwise.
std::string message_frame(std::string_view payload);
std::string pong_frame(std::string_view payload);

}  // namespace duet::bench
