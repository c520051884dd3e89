#include "chaos/big_key.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

namespace redline {
namespace {

using What = BigRead::What;

constexpr std::array<BigRead, 8> kReads{{
    {"keys", "KEYS", What::keyspace, false},
    {"scan", "SCAN", What::keyspace, true},
    {"hgetall", "HGETALL", What::hash, false},
    {"hscan", "HSCAN", What::hash, true},
    {"lrange", "LRANGE", What::list, false},
    {"lrange-pages", "LRANGE", What::list, true},
    {"smembers", "SMEMBERS", What::set, false},
    {"sscan", "SSCAN", What::set, true},
}};

constexpr std::uint64_t kElementsACommand = 1000;
constexpr std::size_t kCommandsAPipeline = 16;
constexpr Nanos kMakeTimeout = 60 * kSecond;
constexpr Nanos kReadTimeout = 600 * kSecond;  ///< KEYS * on 100M keys takes minutes

/// The command that adds elements [from, to) to the big key.
std::vector<std::string> addCommand(What what, std::uint64_t from, std::uint64_t to,
                                    const std::string& filler) {
  std::vector<std::string> args{what == What::hash   ? "HSET"
                                : what == What::list ? "RPUSH"
                                                     : "SADD",
                                std::string(bigKeyOf(what))};
  for (std::uint64_t i = from; i < to; ++i) {
    if (what == What::hash) args.push_back(fmt::format("field:{}", i));
    std::string element = fmt::format("{}:", i);
    element += filler.substr(0, filler.size() - std::min(filler.size(), element.size()));
    args.push_back(std::move(element));
  }
  return args;
}

/// One call of a paged reading: its next cursor or offset, and how many items it gave.
struct Page {
  std::string next;
  std::size_t elements = 0;
};

Result<Page> scanPage(Admin& admin, const BigRead& read, const std::string& cursor,
                      const std::string& count) {
  std::vector<std::string> args{std::string(read.command)};
  if (read.what != What::keyspace) args.emplace_back(bigKeyOf(read.what));
  args.insert(args.end(), {cursor, "COUNT", count});
  const auto reply = admin.command(args, kReadTimeout);
  if (!reply) return fail(reply.error());
  if (reply->items.size() != 2)
    return fail(ErrorCode::invalidInput, "{} did not answer with a cursor and a page",
                read.command);
  return Page{reply->items[0].text, reply->items[1].items.size()};
}

Result<Page> rangePage(Admin& admin, const std::string& from, std::uint64_t pageSize) {
  const std::uint64_t first = from == "0" ? 0 : std::stoull(from);
  const auto reply = admin.command(
      {"LRANGE", bigKeyOf(What::list), from, std::to_string(first + pageSize - 1)}, kReadTimeout);
  if (!reply) return fail(reply.error());
  const std::size_t got = reply->items.size();
  return Page{got < pageSize ? "0" : std::to_string(first + pageSize), got};
}

Result<BigReadOutcome> readPages(Admin& admin, const BigRead& read, std::uint64_t pageSize,
                                 const std::function<bool()>& interrupted) {
  BigReadOutcome outcome;
  const std::string count = std::to_string(pageSize);
  std::string cursor = "0";
  do {
    const Nanos begin = SteadyClock::read();
    const auto page = read.what == What::list ? rangePage(admin, cursor, pageSize)
                                              : scanPage(admin, read, cursor, count);
    if (!page) return fail(page.error());
    outcome.longestCall = std::max(outcome.longestCall, SteadyClock::read() - begin);
    outcome.elements += page->elements;
    ++outcome.calls;
    cursor = page->next;
  } while (cursor != "0" && !interrupted());
  return outcome;
}

Result<BigReadOutcome> readAtOnce(Admin& admin, const BigRead& read) {
  std::vector<std::string> args{std::string(read.command)};
  if (read.what == What::keyspace)
    args.emplace_back("*");
  else
    args.emplace_back(bigKeyOf(read.what));
  if (read.what == What::list) args.insert(args.end(), {"0", "-1"});
  const Nanos begin = SteadyClock::read();
  const auto reply = admin.commandDiscard(args, kReadTimeout);
  if (!reply) return fail(reply.error());
  if (reply->isError())
    return fail(ErrorCode::refused, "{} says: {}", admin.endpoint().text(), reply->text);
  BigReadOutcome outcome;
  outcome.elements = static_cast<std::uint64_t>(reply->integer);
  outcome.calls = 1;
  outcome.longestCall = SteadyClock::read() - begin;
  return outcome;
}

}  // namespace

const BigRead* findBigRead(std::string_view word) {
  const auto* const found = std::ranges::find(kReads, word, &BigRead::word);
  return found == kReads.end() ? nullptr : found;
}

std::string_view bigKeyOf(What what) {
  switch (what) {
    case What::hash:
      return "big:hash:0";
    case What::list:
      return "big:list:0";
    case What::set:
      return "big:set:0";
    case What::keyspace:
      break;
  }
  return {};
}

std::string_view lengthCommand(What what) {
  switch (what) {
    case What::hash:
      return "HLEN";
    case What::list:
      return "LLEN";
    case What::set:
      return "SCARD";
    case What::keyspace:
      break;
  }
  return "DBSIZE";
}

std::string_view elementsWord(What what) {
  switch (what) {
    case What::hash:
      return "fields";
    case What::list:
      return "elements";
    case What::set:
      return "members";
    case What::keyspace:
      break;
  }
  return "keys";
}

Status makeBigKey(Admin& admin, What what, std::uint64_t fields, std::uint64_t fieldSize,
                  const std::function<bool(std::uint64_t)>& progress) {
  const std::string filler(fieldSize, 'x');
  for (std::uint64_t made = 0; made < fields;) {
    std::vector<std::vector<std::string>> commands;
    for (std::size_t i = 0; i < kCommandsAPipeline && made < fields; ++i) {
      const std::uint64_t to = std::min(fields, made + kElementsACommand);
      commands.push_back(addCommand(what, made, to, filler));
      made = to;
    }
    const auto replies = admin.pipeline(commands, kMakeTimeout);
    if (!replies) return fail(replies.error());
    for (const Value& reply : *replies)
      if (reply.isError())
        return fail(ErrorCode::refused, "{} says: {}", admin.endpoint().text(), reply.text);
    if (!progress(made))
      return fail(ErrorCode::interrupted, "making {} was interrupted", bigKeyOf(what));
  }
  return {};
}

std::uint64_t bigKeyMemory(std::uint64_t fields, std::uint64_t fieldSize) {
  constexpr std::uint64_t kOverhead = 90;
  return fields * (fieldSize + kOverhead);
}

Result<BigReadOutcome> readBig(Admin& admin, const BigRead& read, std::uint64_t pageSize,
                               const std::function<bool()>& interrupted) {
  const std::uint64_t bytes = admin.bytesReceived();
  const Nanos begin = SteadyClock::read();
  auto outcome =
      read.paged ? readPages(admin, read, pageSize, interrupted) : readAtOnce(admin, read);
  if (!outcome) return outcome;
  outcome->span = SteadyClock::read() - begin;
  constexpr std::uint64_t kItemsAField = 2;  // of the reply: its name and its value
  if (read.what == What::hash) outcome->elements /= kItemsAField;
  outcome->bytes = admin.bytesReceived() - bytes;
  return outcome;
}

}  // namespace redline
