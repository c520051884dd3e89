#include "doctor/remedies.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace redline {
namespace {

constexpr std::array kRemedies{
    CommandRemedy{"keys", "SCAN in pages of 1000", &kKeysPrice},
    CommandRemedy{"hgetall", "HSCAN in pages of 1000, or HMGET of the fields that are needed",
                  &kHashPrice},
    CommandRemedy{"hkeys hvals", "HSCAN in pages of 1000, or HMGET of the fields that are needed"},
    CommandRemedy{"smembers", "SSCAN in pages of 1000, or SMISMEMBER", &kSetPrice},
    CommandRemedy{"lrange", "1000 elements at a time", &kListPrice},
    CommandRemedy{"zrange zrevrange zrangebyscore zrevrangebyscore zrangebylex zrevrangebylex",
                  "1000 elements at a time: ranks, or LIMIT from the last score or member"},
    CommandRemedy{"xrange xrevrange xread xreadgroup xautoclaim xpending",
                  "a COUNT of 1000 or less"},
    CommandRemedy{"scan hscan sscan zscan", "a COUNT of 1000 or less"},
    CommandRemedy{
        "georadius georadiusbymember georadius_ro georadiusbymember_ro geosearch geosearchstore",
        "a smaller radius, and COUNT with ANY"},
    CommandRemedy{
        "sort sort_ro",
        "it reads all elements, LIMIT or not: keep a sorted set, sort in the client, or split "
        "the value"},
    CommandRemedy{
        "sinter sintercard sunion sdiff sinterstore sunionstore sdiffstore zinter zintercard "
        "zunion zdiff zinterstore zunionstore zdiffstore pfmerge bitop",
        "its time grows with the values together: smaller ones, or a copy of the result that is "
        "kept up to date"},
    CommandRemedy{"lindex lset linsert lrem lpos",
                  "it walks the list: a hash or a sorted set finds by name or score"},
    CommandRemedy{"bitcount bitpos", "a part at a time (start and end), or a smaller value"},
    CommandRemedy{
        "get getex getset set setex setnx psetex append",
        "a value of megabytes is copied and sent whole: split or compress it; with a small one "
        "the main thread waited for a core"},
    CommandRemedy{"getrange setrange substr", "fewer bytes at a time"},
    CommandRemedy{
        "mget mset msetnx hmget hset hmset sadd srem smove zadd zrem zincrby lpush rpush lpushx "
        "rpushx hdel pfadd pfcount geoadd xadd xack xdel smismember zmscore exists touch",
        "fewer keys or elements in one command, several commands in a pipeline"},
    CommandRemedy{"del getdel",
                  "UNLINK: another thread frees the memory (or lazyfree-lazy-user-del yes)"},
    CommandRemedy{
        "rename restore copy",
        "UNLINK the target first; a value of that size is better split into several keys"},
    CommandRemedy{"unlink", "fewer keys in one command"},
    CommandRemedy{
        "zremrangebyrank zremrangebyscore zremrangebylex ltrim lpop rpop spop zpopmin zpopmax "
        "lmpop zmpop srandmember hrandfield zrandmember",
        "fewer elements at a time; of a whole value UNLINK"},
    CommandRemedy{"xtrim", "fewer entries at a time: XTRIM with ~ and LIMIT"},
    CommandRemedy{"flushall flushdb", "with ASYNC: another thread frees the memory"},
    CommandRemedy{
        "eval evalsha eval_ro evalsha_ro fcall fcall_ro",
        "a script is one command, however much it does: shorten it (fewer keys a call, no "
        "loops over large values), or do its work in the client"},
    CommandRemedy{"script function", "FLUSH with ASYNC, and LOAD of shorter scripts"},
    CommandRemedy{"save", "BGSAVE"},
    CommandRemedy{
        "bgsave bgrewriteaof psync sync",
        "it is the fork that takes long: it grows with the memory, so smaller servers, more of "
        "them"},
    CommandRemedy{"migrate dump", "fewer keys in one command, and large values split"},
    CommandRemedy{"publish spublish", "fewer subscribers of a channel, or smaller messages"},
    CommandRemedy{"config", "lower maxmemory in small steps: what is over it is evicted at once"},
    CommandRemedy{"memory", "MEMORY USAGE with few SAMPLES: 0 reads the whole value"},
    CommandRemedy{
        "object type ttl pttl expire pexpire expireat pexpireat persist ping echo select auth "
        "hello info time dbsize exec multi watch",
        "it does little itself: it waited for a core, for swapped memory or for huge pages to "
        "be copied after a fork"},
    CommandRemedy{"client", "CLIENT LIST and KILL look at every client: ask for one by ID"},
    CommandRemedy{"cluster", "fewer slots or keys at a time"},
    CommandRemedy{
        "debug",
        "it stops the server on purpose: keep it from servers in use (enable-debug-command no)"},
};
constexpr CommandRemedy kUnknown{
    "",
    "see what its time grows with in Redis's documentation (redis-cli COMMAND DOCS), and ask for "
    "less of that at a time"};

bool isAmong(std::string_view command, std::string_view commands) {
  const auto words = splitWords(commands);
  return std::ranges::find(words, command) != words.end();
}

}  // namespace

std::span<const CommandRemedy> allRemedies() {
  return kRemedies;
}

const CommandRemedy& remedyOf(std::string_view command) {
  const auto* const found = std::ranges::find_if(kRemedies, [command](const CommandRemedy& remedy) {
    return isAmong(command, remedy.commands);
  });
  return found == kRemedies.end() ? kUnknown : *found;
}

std::string remedyText(std::string_view command) {
  return fmt::format("{}: {}", toUpper(command), remedyOf(command).instead);
}

}  // namespace redline
