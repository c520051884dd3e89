#include <fmt/format.h>

#include <array>

#include "fuzz/resp_check.h"

namespace redline {
namespace {

constexpr std::array<std::string_view, 12> kTexts{"OK",
                                                  "PONG",
                                                  "QUEUED",
                                                  "ERR unknown command",
                                                  "WRONGTYPE Operation",
                                                  "MOVED 3999 127.0.0.1:6381",
                                                  "foo",
                                                  "",
                                                  "a\rb",
                                                  "txt:some text",
                                                  "0123456789abcdef",
                                                  "invalidate"};
constexpr std::array<std::string_view, 14> kNumbers{"0",
                                                    "1",
                                                    "-1",
                                                    "42",
                                                    "-0",
                                                    "+7",
                                                    "007",
                                                    "9223372036854775807",
                                                    "-9223372036854775808",
                                                    "9223372036854775808",
                                                    "4294967296",
                                                    "33554433",
                                                    "2147483648",
                                                    "+-5"};
constexpr std::array<std::string_view, 8> kReals{"3.25", "-1e10", "inf",   "-inf",
                                                 "nan",  "",      "1e999", ".5"};
constexpr std::array<std::string_view, 16> kPieces{
    "\r\n", "\n", "\r",     "$",      "*",     "-1",     "$-1\r\n",    "*-1\r\n",
    ":",    "+",  "|1\r\n", "%1\r\n", "_\r\n", "*1\r\n", "$0\r\n\r\n", ">"};

template <std::size_t N>
std::string_view oneOf(Rng& rng, const std::array<std::string_view, N>& all) {
  return all[rng.below(N)];
}

class Generator {
 public:
  Generator(Rng& rng, Protocol protocol) : rng_(rng), resp3_(protocol == Protocol::resp3) {}

  std::string replies() {
    for (std::uint64_t left = 1 + rng_.below(4); left != 0; --left) reply(0);
    return std::move(out_);
  }

 private:
  void line(char mark, std::string_view text) { out_ += fmt::format("{}{}\r\n", mark, text); }

  void bulk(char mark, std::string_view text) {
    line(mark, fmt::format("{}", text.size()));
    out_.append(text).append("\r\n");
  }

  std::string text() {
    if (rng_.below(4) != 0) return std::string(oneOf(rng_, kTexts));
    std::string bytes(rng_.below(40), ' ');
    for (char& byte : bytes) byte = static_cast<char>(rng_.below(256));
    return bytes;
  }

  void integer(char mark) {
    if (rng_.below(8) == 0) return line(mark, oneOf(rng_, kNumbers));
    line(mark, fmt::format("{}", static_cast<std::int64_t>(rng_.next() >> rng_.below(64))));
  }

  void aggregate(char mark, int depth) {
    if (rng_.below(64) == 0) return line(mark, oneOf(rng_, kNumbers));
    // Now and then a chain, to reach the limits on depth.
    const std::uint64_t most = depth > 3 ? 2 : 5;
    const std::uint64_t count = rng_.below(most);
    line(mark, fmt::format("{}", count));
    const std::uint64_t each = mark == '%' || mark == '|' ? 2 : 1;
    for (std::uint64_t i = 0; i < count * each; ++i) reply(depth + 1);
  }

  void reply(int depth) {
    if (depth == 0 && rng_.below(64) == 0)
      for (std::uint64_t levels = rng_.below(80); levels != 0; --levels) line('*', "1");
    switch (rng_.below(resp3_ ? 16 : 8)) {
      case 0:
        return line('+', oneOf(rng_, kTexts));
      case 1:
        return line('-', oneOf(rng_, kTexts));
      case 2:
        return integer(':');
      case 3:
        return line(rng_.below(2) == 0 ? '$' : '*', "-1");
      case 6:
      case 7:
        if (depth < 10) return aggregate('*', depth);
        [[fallthrough]];
      case 4:
      case 5:
        return bulk('$', text());
      case 8:
        return line('_', "");
      case 9:
        return line('#', rng_.below(8) == 0 ? "x" : rng_.below(2) == 0 ? "t" : "f");
      case 10:
        return line(',', oneOf(rng_, kReals));
      case 11:
        return integer('(');
      case 12:
        return bulk('!', text());
      case 13:
        return bulk('=', rng_.below(4) == 0 ? text() : "txt:" + text());
      case 14:
        if (depth < 10) aggregate('|', depth);
        return reply(depth + 1);
      default:
        return depth < 10 ? aggregate("%~>"[rng_.below(3)], depth) : line('_', "");
    }
  }

  Rng& rng_;
  bool resp3_;
  std::string out_;
};

void damage(Rng& rng, std::string& bytes) {
  if (bytes.empty()) return;
  const std::size_t at = rng.below(bytes.size());
  switch (rng.below(6)) {
    case 0:
      bytes[at] = static_cast<char>(rng.below(256));
      break;
    case 1:
      bytes.erase(at, 1 + rng.below(4));
      break;
    case 2:
      bytes.insert(at, oneOf(rng, kPieces));
      break;
    case 3:
      bytes.resize(at);
      break;
    case 4:
      bytes[at] = "0123456789+-:$*_%~>,#(=!|\r\n"[rng.below(27)];
      break;
    default:
      bytes.insert(at, bytes.substr(rng.below(bytes.size()), rng.below(24)));
  }
}

}  // namespace

std::string someReplies(Rng& rng, Protocol protocol) {
  std::string bytes = Generator(rng, protocol).replies();
  if (rng.below(3) != 0)
    for (std::uint64_t times = 1 + rng.below(3); times != 0; --times) damage(rng, bytes);
  return bytes;
}

}  // namespace redline
