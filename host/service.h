// Who answers requests: handlers behind routes (pipeline.h), or the admin listener (admin/).
#pragma once

#include "host/exchange.h"

namespace duet {

class Service {
 public:
  // A request's head is complete. The service takes it by exchange.hand_to(), or answers at once.
  // The body may still be on its way.
  virtual void serve(Exchange& exchange) = 0;

  // All that could be read has been: the turn of the requests that were taken. Runs some of them;
  // false: none was waiting. What they answered is sent before the next call.
  virtual bool run_ready() = 0;

  // The last byte of the answer was accepted, or the client is gone: the timeline is final.
  // The exchange is valid during the call only.
  virtual void over(Exchange& exchange) = 0;

 protected:
  ~Service() = default;
};

}  // namespace duet
