#include "transport/fetch_page.h"

#include <fmt/format.h>

#include <array>

#include "base/numbers.h"
#include "base/text.h"
#include "transport/blocking.h"

namespace redline {

Result<FetchedPage> fetchPage(const Endpoint& endpoint, std::string_view path, Nanos deadline,
                              std::size_t most) {
  auto stream = BlockingStream::connect(endpoint, deadline);
  if (!stream) return fail(std::move(stream.error()));
  // HTTP/1.0: the body comes as it is, and the connection's end is its end.
  const std::string request =
      fmt::format("GET {} HTTP/1.0\r\nHost: {}\r\n\r\n", path, endpoint.text());
  if (auto sent = stream->writeAll(request, deadline); !sent) return fail(std::move(sent.error()));
  std::string answer;
  std::array<char, 64 * 1024> block;
  for (;;) {
    const auto got = stream->readSome(block, deadline);
    if (!got) return fail(got.error());
    if (*got == 0) break;
    answer.append(block.data(), *got);
    if (answer.size() > most)
      return fail(ErrorCode::invalidInput, "the page of {} has no end", endpoint.text());
  }
  constexpr std::string_view kBlankLine = "\r\n\r\n";
  const std::size_t head = answer.find(kBlankLine);
  const auto words = splitWords(std::string_view(answer).substr(0, answer.find("\r\n")));
  if (head == std::string::npos || words.size() < 2) return FetchedPage{};
  return FetchedPage{toNumber<int>(words[1]).value_or(0), answer.substr(head + kBlankLine.size())};
}

}  // namespace redline
