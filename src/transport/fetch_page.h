#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "transport/endpoint.h"

namespace redline {

/// What an HTTP server answered.
struct FetchedPage {
  int status = 0;  ///< 200; 0: what came is no answer of HTTP
  std::string body;
};

/// GETs `path` by a connection of its own, closed afterwards. `deadline` is on SteadyClock. Errors
/// are those of BlockingStream; invalidInput: the answer has more than `most` bytes.
Result<FetchedPage> fetchPage(const Endpoint& endpoint, std::string_view path, Nanos deadline,
                              std::size_t most);

}  // namespace redline
