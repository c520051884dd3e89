#include "server/admin.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "base/units.h"
#include "resp/command.h"

namespace redline {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;

ValueParser::Limits replyLimits(std::size_t valueBytes) {
  ValueParser::Limits limits;
  limits.replyBytes = Admin::kLongestReport + valueBytes;
  limits.elements = 1 << 20;
  return limits;
}

bool hasCode(const Value& reply, std::string_view code) {
  return reply.isError() && reply.text.starts_with(code);
}

tl::unexpected<Error> notRedis(const Endpoint& endpoint, std::string_view why) {
  return fail(ErrorCode::refused,
              "something listens on {} but it does not speak RESP ({}): name a "
              "Redis server with -addr",
              endpoint.text(), why);
}

/// What a user types to see whether it answers by now.
std::string pingLine(const Endpoint& endpoint, bool tls) {
  const std::string where = endpoint.isUnix()
                                ? fmt::format("-s {}", endpoint.unixPath)
                                : fmt::format("-h {} -p {}", endpoint.host, endpoint.port);
  return fmt::format("redis-cli {}{} PING", where, tls ? " --tls" : "");
}

/// The handshake's own words for a reply that is not the hoped-for one.
tl::unexpected<Error> refusal(const Endpoint& endpoint, const Credentials& credentials,
                              const Value& reply) {
  const std::string who = credentials.user.empty() ? "" : " of user " + credentials.user;
  if (hasCode(reply, "NOAUTH"))
    return fail(ErrorCode::refused, "{} requires a password: set REDLINE_PASSWORD",
                endpoint.text());
  if (hasCode(reply, "WRONGPASS"))
    return fail(ErrorCode::refused,
                "{} rejects the password{}, or does not know the user: set REDLINE_PASSWORD",
                endpoint.text(), who);
  if (hasCode(reply, "LOADING"))
    return fail(ErrorCode::timeout, "{} is still loading its data into memory: try again later",
                endpoint.text());
  if (hasCode(reply, "ERR max number of clients"))
    return fail(ErrorCode::refused,
                "{} has reached its maxclients: close other clients of it, use fewer -conns, or "
                "raise it (CONFIG SET maxclients)",
                endpoint.text());
  return fail(ErrorCode::refused, "{} refuses the connection: {}", endpoint.text(), reply.text);
}

}  // namespace

bool isWithheld(const Value& reply) {
  return hasCode(reply, "NOPERM") || hasCode(reply, "ERR unknown command");
}

bool isUnknownCommand(std::string_view refusal) {
  return refusal.find("ERR unknown command") != std::string_view::npos;
}

Admin::Admin(BlockingStream stream, Nanos timeout)
    : endpoint_(stream.endpoint()),
      peer_(stream.peer()),
      stream_(std::move(stream)),
      parser_(replyLimits(0)),
      buffer_(kReadBytes),
      timeout_(timeout) {}

Result<Admin> Admin::connect(const Endpoint& endpoint, const Credentials& credentials,
                             Nanos timeout, const LoadingWait& loading) {
  return open(endpoint, credentials, timeout, loading, nullptr);
}

Result<Admin> Admin::connect(const Endpoint& endpoint, const Credentials& credentials,
                             Nanos timeout, const std::atomic<Nanos>* limit) {
  return open(endpoint, credentials, timeout, {}, limit);
}

Result<Admin> Admin::open(const Endpoint& endpoint, const Credentials& credentials, Nanos timeout,
                          const LoadingWait& loading, const std::atomic<Nanos>* limit) {
  const Nanos deadline = SteadyClock::read() + timeout;
  auto stream = BlockingStream::connect(endpoint, deadline, limit, credentials.tls);
  if (!stream) return fail(std::move(stream.error()));
  Admin admin(std::move(*stream), timeout);
  auto greeted = admin.greet(credentials, deadline, loading);
  admin.greeted_ = greeted.has_value();
  if (greeted) return admin;
  Error error = std::move(greeted.error());
  if (error.code == ErrorCode::invalidInput) return notRedis(endpoint, error.message);
  if (error.code == ErrorCode::unreachable && !admin.connected())
    return fail(ErrorCode::unreachable, "{} instead of answering a PING{}", error.message,
                credentials.tls ? "" : ": if that port speaks TLS, add -tls");
  if (error.code == ErrorCode::timeout && !admin.connected())
    return fail(
        ErrorCode::timeout,
        "something listens on {} but gave no answer to a PING within {}: it is loading, busy "
        "in a slow command, or stopped ({} tells); or it is no Redis",
        endpoint.text(), formatDuration(timeout), pingLine(endpoint, credentials.tls != nullptr));
  return fail(std::move(error));
}

Status Admin::greet(const Credentials& credentials, Nanos deadline, const LoadingWait& loading) {
  if (auto known = authenticate(credentials, deadline); !known) return known;
  std::string ping;
  appendCommand(ping, {"PING"});
  auto reply = ask(ping, deadline);
  if (!reply) return fail(std::move(reply.error()));
  if (hasCode(*reply, "LOADING") && loading.limit > 0) return awaitLoaded(loading);
  // A user whose rules do not let it PING, a server that has renamed it, and a replica without its
  // master, are servers all the same.
  if (isWithheld(*reply) || hasCode(*reply, "MASTERDOWN") || hasCode(*reply, "BUSY")) return {};
  if (reply->isError()) return refusal(endpoint_, credentials, *reply);
  if (reply->text != "PONG")
    return drop({ErrorCode::invalidInput, "its reply to PING is not PONG"});
  return {};
}

Status Admin::authenticate(const Credentials& credentials, Nanos deadline) {
  if (credentials.password.empty()) return {};
  std::string auth;
  if (credentials.user.empty())
    appendCommand(auth, {"AUTH", credentials.password});
  else
    appendCommand(auth, {"AUTH", credentials.user, credentials.password});
  auto reply = ask(auth, deadline);
  if (!reply) return fail(std::move(reply.error()));
  // "-ERR AUTH <password> called without any password configured": the server accepts everyone, and
  // one REDLINE_PASSWORD may serve several servers.
  if (!reply->isError() || reply->text.find("without any password configured") != std::string::npos)
    return {};
  return refusal(endpoint_, credentials, *reply);
}

Status Admin::awaitLoaded(const LoadingWait& loading) {
  const Nanos end = SteadyClock::read() + loading.limit;
  for (Nanos spoken = 0;;) {
    auto reply = commandRaw({"PING"});
    if (!reply) return fail(std::move(reply.error()));
    if (!hasCode(*reply, "LOADING")) return {};
    const Nanos now = SteadyClock::read();
    if (now >= end) return refusal(endpoint_, {}, *reply);
    if (loading.progress && now - spoken >= kSecond) {
      spoken = now;
      if (auto facts = info({"persistence"}))
        loading.progress(fmt::format("{} is loading: {}%, {} s left", endpoint_.text(),
                                     facts->text("loading_loaded_perc"),
                                     facts->text("loading_eta_seconds")));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

void Admin::expectValues(std::size_t bytes) {
  parser_ = ValueParser(replyLimits(bytes));
}

Nanos Admin::deadline(std::optional<Nanos> timeout) const {
  return SteadyClock::read() + timeout.value_or(timeout_);
}

/// Replies no longer match commands: closes the connection for good.
tl::unexpected<Error> Admin::drop(Error error) {
  stream_.reset();
  return fail(std::move(error));
}

Result<Value> Admin::ask(std::string_view encoded, Nanos deadline) {
  if (!stream_)
    return fail(ErrorCode::unreachable, "the connection to {} was lost earlier", endpoint_.text());
  if (auto written = stream_->writeAll(encoded, deadline); !written)
    return drop(std::move(written.error()));
  return readReply(parser_, deadline);
}

/// The next reply that answers a command: pushes and attributes are passed over.
Result<Value> Admin::readReply(ValueParser& parser, Nanos deadline) {
  Value value;
  for (;;) {
    auto whole = parser.next(value);
    if (!whole && greeted_)
      return drop(fail(ErrorCode::invalidInput,
                       "{} answers with bytes that are not RESP ({}): is there a proxy in between?",
                       endpoint_.text(), whole.error().message)
                      .value());
    if (!whole) return drop(std::move(whole.error()));
    if (*whole && value.type != Value::Type::push && value.type != Value::Type::attribute)
      return value;
    if (*whole) continue;
    auto got = stream_->readSome(buffer_, deadline);
    if (!got) return drop(std::move(got.error()));
    if (*got == 0)
      return drop({ErrorCode::unreachable, endpoint_.text() + " closed the connection"});
    bytesReceived_ += *got;
    parser.feed({buffer_.data(), *got});
  }
}

Result<Value> Admin::checked(Result<Value> reply) const {
  if (!reply || !reply->isError()) return reply;
  return fail(
      ErrorCode::refused, "{} says: {}{}", endpoint_.text(), reply->text,
      hasCode(*reply, "NOPERM") ? "; allow it with ACL SETUSER, or name another -user" : "");
}

Result<Value> Admin::command(std::initializer_list<std::string_view> args,
                             std::optional<Nanos> timeout) {
  return checked(commandRaw(args, timeout));
}

Result<Value> Admin::command(std::span<const std::string> args, std::optional<Nanos> timeout) {
  return checked(commandRaw(args, timeout));
}

Result<Value> Admin::commandRaw(std::initializer_list<std::string_view> args,
                                std::optional<Nanos> timeout) {
  std::string encoded;
  appendCommand(encoded, args);
  return ask(encoded, deadline(timeout));
}

Result<Value> Admin::commandRaw(std::span<const std::string> args, std::optional<Nanos> timeout) {
  std::string encoded;
  appendCommand(encoded, args);
  return ask(encoded, deadline(timeout));
}

Result<Value> Admin::commandDiscard(std::span<const std::string> args,
                                    std::optional<Nanos> timeout) {
  if (!stream_)
    return fail(ErrorCode::unreachable, "the connection to {} was lost earlier", endpoint_.text());
  std::string encoded;
  appendCommand(encoded, args);
  const Nanos end = deadline(timeout);
  if (auto written = stream_->writeAll(encoded, end); !written)
    return drop(std::move(written.error()));
  ValueParser::Limits limits;
  limits.keep = false;
  ValueParser counting(limits);
  return readReply(counting, end);
}

Result<std::vector<Value>> Admin::pipeline(std::span<const std::vector<std::string>> commands,
                                           std::optional<Nanos> timeout) {
  std::vector<Value> replies;
  if (commands.empty()) return replies;
  std::string encoded;
  for (const auto& each : commands) appendCommand(encoded, std::span<const std::string>(each));
  const Nanos end = deadline(timeout);
  auto first = ask(encoded, end);
  if (!first) return fail(std::move(first.error()));
  replies.push_back(std::move(*first));
  while (replies.size() < commands.size()) {
    auto reply = readReply(parser_, end);
    if (!reply) return fail(std::move(reply.error()));
    replies.push_back(std::move(*reply));
  }
  return replies;
}

Result<Value> Admin::infoReply(std::initializer_list<std::string_view> sections) {
  std::vector<std::string> args{"INFO"};
  args.insert(args.end(), sections.begin(), sections.end());
  auto reply = commandRaw(args);
  // Before 7.0 (with -any-version) INFO takes one section only.
  if (reply && reply->isError() && sections.size() > 1 && !isWithheld(*reply))
    reply = commandRaw({"INFO", "everything"});
  return reply;
}

Result<ServerInfo> Admin::about(std::initializer_list<std::string_view> sections) {
  const auto reply = infoReply(sections);
  if (!reply || !isWithheld(*reply)) return infoIn(reply);
  const auto hello = commandRaw({"HELLO"});  // no ACL can take it away
  if (!hello || hello->isError()) return infoIn(reply);
  const auto field = [&hello](std::string_view name) {
    const Value* const value = hello->find(name);
    return value == nullptr ? std::string() : value->text;
  };
  ServerInfo info;
  info.withheld = reply->text;
  info.fields = {{"redis_version", field("version")},
                 {"role", field("role")},
                 {"cluster_enabled", field("mode") == "cluster" ? "1" : "0"}};
  return info;
}

Result<ServerInfo> Admin::info(std::initializer_list<std::string_view> sections) {
  return infoIn(infoReply(sections));
}

Result<ServerInfo> Admin::infoIn(Result<Value> reply) const {
  reply = checked(std::move(reply));
  if (!reply) return fail(std::move(reply.error()));
  if (!reply->isText())
    return fail(ErrorCode::invalidInput, "{} answers INFO with a reply that is not text",
                endpoint_.text());
  return parseServerInfo(reply->text);
}

Result<std::string> Admin::configGet(std::string_view name) {
  auto reply = command({"CONFIG", "GET", name});
  if (!reply) return fail(std::move(reply.error()));
  const Value* value = reply->find(name);
  if (value == nullptr)
    return fail(ErrorCode::usage, "{} has no parameter \"{}\"", endpoint_.text(), name);
  return value->text;
}

Status Admin::configSet(std::string_view name, std::string_view value) {
  auto reply = command({"CONFIG", "SET", name, value});
  if (!reply) return fail(std::move(reply.error()));
  return {};
}

Status Admin::requireVersion(const ServerInfo& info, bool anyVersion) const {
  return checkVersion(info.version(), endpoint_.text(), anyVersion);
}

}  // namespace redline
