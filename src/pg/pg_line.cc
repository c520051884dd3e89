#include "pg/pg_line.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <utility>

#include "pg/big_endian.h"
#include "pg/pg_failure.h"

namespace redline {
namespace {

constexpr Nanos kConnectTimeout = 2 * kSecond;
constexpr Nanos kTick = 10 * kMillisecond;
constexpr unsigned kMostTries = 3;

constexpr const char* kReadName = "r";
constexpr const char* kReadSql = "SELECT version, value FROM cache_entries WHERE id = $1";
constexpr const char* kWriteName = "w";
constexpr const char* kWriteSql = "UPDATE cache_entries SET value = $3, version = $2 WHERE id = $1";
/// pg_type.oid of the two types.
constexpr unsigned kInt8 = 20, kBytea = 17;
constexpr int kBinary = 1;

std::string settingsText(Nanos timeout) {
  const auto millis = [](Nanos span) { return std::max<Nanos>(1, span / kMillisecond); };
  return fmt::format("-c statement_timeout={} -c lock_timeout={}", millis(timeout),
                     millis(timeout / 2));
}

std::string_view fieldOf(const pg_result* result, int column) {
  return {::PQgetvalue(result, 0, column),
          static_cast<std::size_t>(::PQgetlength(result, 0, column))};
}

/// Whether a result has these columns, of one row.
bool hasShape(const pg_result* result, std::initializer_list<int> lengths) {
  if (::PQnfields(result) != static_cast<int>(lengths.size())) return false;
  int column = 0;
  for (const int length : lengths) {
    if (::PQgetisnull(result, 0, column) != 0) return false;
    if (length >= 0 && ::PQgetlength(result, 0, column) != length) return false;
    ++column;
  }
  return true;
}

StoreReply readReply(const StoreRequest& request, const pg_result* result, Nanos now) {
  StoreReply reply = replyTo(request, StoreReply::Outcome::missing, now);
  if (::PQntuples(result) == 0) return reply;
  reply.outcome = StoreReply::Outcome::failed;
  reply.failure = StoreFailure::protocol;
  if (!hasShape(result, {sizeof(std::uint64_t), -1})) return reply;
  reply.outcome = StoreReply::Outcome::found;
  reply.version = readBigEndian<std::uint64_t>(fieldOf(result, 0).data());
  reply.value = fieldOf(result, 1);
  return reply;
}

StoreReply writeReply(const StoreRequest& request, pg_result* result, Nanos now) {
  const bool isStored = std::string_view(::PQcmdTuples(result)) == "1";
  return replyTo(request, isStored ? StoreReply::Outcome::stored : StoreReply::Outcome::missing,
                 now);
}

}  // namespace

PgLine::PgLine(const PgAddress& address, Nanos timeout, Values values)
    : connectionText_(connectionText(address, kConnectTimeout, settingsText(timeout))),
      timeout_(timeout),
      values_(std::move(values)) {}

int PgLine::descriptor() const {
  return connection_ == nullptr ? -1 : ::PQsocket(connection_.get());
}

short PgLine::events() const {
  if (state_ == State::connecting) return wantsWrite_ ? POLLOUT : POLLIN;
  return static_cast<short>(POLLIN | (wantsWrite_ ? POLLOUT : 0));
}

Nanos PgLine::nextTick(Nanos now) const {
  if (state_ == State::closed) return backOff_.next();
  if (state_ != State::ready) return connectDeadline_;
  return inFlight_ == 0 ? now + kSecond : now + kTick;
}

void PgLine::open(Nanos now, LineSink& sink) {
  connection_.reset(::PQconnectStart(connectionText_.c_str()));
  connectDeadline_ = now + kConnectTimeout;
  prepareFailed_ = false;
  state_ = State::connecting;
  wantsWrite_ = true;  // as PQconnectPoll() would say before the first call
  if (connection_ == nullptr || ::PQstatus(connection_.get()) == CONNECTION_BAD) {
    const std::string words(lastError(connection_.get()));
    return lose(connectFailure(words), words, now, sink);
  }
  ::PQsetNoticeProcessor(connection_.get(), [](void*, const char*) {}, nullptr);
}

void PgLine::advanceConnecting(Nanos now, LineSink& sink) {
  switch (::PQconnectPoll(connection_.get())) {
    case PGRES_POLLING_READING:
      wantsWrite_ = false;
      return;
    case PGRES_POLLING_WRITING:
      wantsWrite_ = true;
      return;
    case PGRES_POLLING_OK:
      return prepare(now, sink);
    default:
      break;
  }
  const std::string words(lastError(connection_.get()));
  lose(connectFailure(words), words, now, sink);
}

void PgLine::prepare(Nanos now, LineSink& sink) {
  pg_conn* const connection = connection_.get();
  constexpr std::array<unsigned, 3> kTypes{kInt8, kInt8, kBytea};
  state_ = State::preparing;
  const bool sent = ::PQsetnonblocking(connection, 1) == 0 &&
                    ::PQenterPipelineMode(connection) == 1 &&
                    ::PQsendPrepare(connection, kReadName, kReadSql, 1, kTypes.data()) == 1 &&
                    ::PQsendPrepare(connection, kWriteName, kWriteSql, 3, kTypes.data()) == 1;
  for (int i = 0; i < 2; ++i) {
    expected_.emplace_back();
    expected_.back().kind = Expected::Kind::prepare;
  }
  if (!sent || !sync()) return lose(StoreFailure::unreachable, lastError(connection), now, sink);
  flush(now, sink);
}

bool PgLine::sync() {
  readsOpen_ = false;
  expected_.emplace_back();
  return ::PQpipelineSync(connection_.get()) == 1;
}

bool PgLine::sendRead(const StoreRequest& request) {
  std::array<char, sizeof request.id> id{};
  writeBigEndian(id.data(), request.id);
  const char* const values[] = {id.data()};
  const int lengths[] = {static_cast<int>(id.size())}, formats[] = {kBinary};
  return ::PQsendQueryPrepared(connection_.get(), kReadName, 1, values, lengths, formats,
                               kBinary) == 1;
}

bool PgLine::sendWrite(const StoreRequest& request) {
  std::array<char, sizeof request.id> id{};
  std::array<char, sizeof request.version> version{};
  writeBigEndian(id.data(), request.id);
  writeBigEndian(version.data(), request.version);
  value_.resize(values_.size());
  values_.write(value_.data(), request.id, request.version);
  const char* const values[] = {id.data(), version.data(), value_.data()};
  const int lengths[] = {static_cast<int>(id.size()), static_cast<int>(version.size()),
                         static_cast<int>(value_.size())};
  const int formats[] = {kBinary, kBinary, kBinary};
  return ::PQsendQueryPrepared(connection_.get(), kWriteName, 3, values, lengths, formats,
                               kBinary) == 1;
}

void PgLine::send(const QueuedRequest& asked, Nanos now, LineSink& sink) {
  const bool isWrite = asked.request.kind == StoreRequest::Kind::write;
  // A write is not undone because a read beside it failed.
  bool sent = !isWrite || !readsOpen_ || sync();
  expected_.emplace_back();
  Expected& added = expected_.back();
  added.kind = Expected::Kind::request;
  added.sentAt = now;
  added.asked = asked;
  ++added.asked.tries;
  ++inFlight_;
  sent = sent && (isWrite ? sendWrite(asked.request) : sendRead(asked.request));
  readsOpen_ = !isWrite;
  if (sent && isWrite) sent = sync();
  if (!sent) lose(StoreFailure::unreachable, lastError(connection_.get()), now, sink);
}

void PgLine::endPass(Nanos now, LineSink& sink) {
  if (state_ != State::ready) return;
  if (readsOpen_ && !sync())
    return lose(StoreFailure::unreachable, lastError(connection_.get()), now, sink);
  if (inFlight_ != 0) flush(now, sink);
}

void PgLine::flush(Nanos now, LineSink& sink) {
  const int left = ::PQflush(connection_.get());
  wantsWrite_ = left == 1;
  if (left < 0) lose(StoreFailure::unreachable, lastError(connection_.get()), now, sink);
}

void PgLine::onEvent(Nanos now, LineSink& sink) {
  if (state_ == State::closed) return;
  if (state_ == State::connecting) return advanceConnecting(now, sink);
  receive(now, sink);
  if (state_ != State::closed && wantsWrite_) flush(now, sink);
}

void PgLine::receive(Nanos now, LineSink& sink) {
  pg_conn* const connection = connection_.get();
  const bool lives = ::PQconsumeInput(connection) == 1;
  while (!expected_.empty() && ::PQisBusy(connection) == 0) {
    const PgResult result(::PQgetResult(connection));
    if (!take(result.get(), now, sink)) break;
    if (state_ == State::closed) return;
  }
  if (!lives || ::PQstatus(connection) == CONNECTION_BAD)
    lose(StoreFailure::unreachable, lastError(connection), now, sink);
}

bool PgLine::take(pg_result* result, Nanos now, LineSink& sink) {
  Expected& front = expected_.front();
  if (result == nullptr) {
    if (!front.hadResult) return false;
    popFront();
    return true;
  }
  const ExecStatusType status = ::PQresultStatus(result);
  if (status == PGRES_PIPELINE_SYNC) {
    if (front.kind != Expected::Kind::sync) {
      lose(StoreFailure::protocol, "a Sync came before its results", now, sink);
      return true;
    }
    popFront();
    if (state_ != State::preparing) return true;
    if (prepareFailed_) {
      lose(failure_, {}, now, sink);
      return true;
    }
    state_ = State::ready;
    hasFailed_ = false;
    backOff_.succeeded();
    return true;
  }
  if (front.kind == Expected::Kind::sync) {
    // The server's last words before it hangs up stand outside of any request.
    sink.problem(storeFailureOf(sqlStateOf(result)), errorOf(result));
    return true;
  }
  front.hadResult = true;
  if (front.kind == Expected::Kind::request) {
    settle(front, result, now, sink);
  } else if (status == PGRES_FATAL_ERROR) {
    prepareFailed_ = true;
    failure_ = storeFailureOf(sqlStateOf(result));
    sink.problem(failure_, errorOf(result));
  }
  return true;
}

void PgLine::settle(Expected& expected, pg_result* result, Nanos now, LineSink& sink) {
  if (expected.answered) return;
  const StoreRequest& request = expected.asked.request;
  const bool isWrite = request.kind == StoreRequest::Kind::write;
  switch (::PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
      if (isWrite) break;
      return answer(expected, readReply(request, result, now), sink);
    case PGRES_COMMAND_OK:
      if (!isWrite) break;
      return answer(expected, writeReply(request, result, now), sink);
    case PGRES_PIPELINE_ABORTED:
      if (expected.asked.tries < kMostTries) {
        expected.answered = true;
        return sink.again(expected.asked);
      }
      break;
    case PGRES_FATAL_ERROR: {
      StoreReply reply = replyTo(request, StoreReply::Outcome::failed, now);
      reply.failure = storeFailureOf(sqlStateOf(result));
      sink.problem(reply.failure, errorOf(result));
      return answer(expected, std::move(reply), sink);
    }
    default:
      break;
  }
  StoreReply reply = replyTo(request, StoreReply::Outcome::failed, now);
  reply.failure = StoreFailure::protocol;
  answer(expected, std::move(reply), sink);
}

void PgLine::answer(Expected& expected, StoreReply reply, LineSink& sink) {
  expected.answered = true;
  reply.sentAt = expected.sentAt;
  sink.reply(expected.asked, std::move(reply));
}

void PgLine::popFront() {
  if (expected_.front().kind == Expected::Kind::request) --inFlight_;
  expected_.pop_front();
}

void PgLine::tick(Nanos now, LineSink& sink) {
  if (state_ == State::closed) {
    if (backOff_.mayTry(now)) open(now, sink);
    return;
  }
  if (state_ != State::ready) {
    if (now >= connectDeadline_)
      lose(StoreFailure::unreachable, "it did not accept a connection in time", now, sink);
    return;
  }
  // By then a server that lives has given the statement up by itself.
  const Nanos patience = std::max(timeout_, kSecond);
  for (Expected& each : expected_) {
    if (each.kind != Expected::Kind::request || now < each.asked.request.deadline) continue;
    if (now >= each.asked.request.deadline + patience)
      return lose(StoreFailure::unreachable, "it does not answer", now, sink);
    if (!each.answered)
      answer(each, replyTo(each.asked.request, StoreReply::Outcome::timedOut, now), sink);
  }
}

void PgLine::lose(StoreFailure failure, std::string_view words, Nanos now, LineSink& sink) {
  if (!words.empty()) sink.problem(failure, words);
  for (Expected& each : expected_) {
    if (each.kind != Expected::Kind::request || each.answered) continue;
    StoreReply reply = replyTo(each.asked.request, StoreReply::Outcome::failed, now);
    reply.failure = StoreFailure::unreachable;
    answer(each, std::move(reply), sink);
  }
  expected_.clear();
  inFlight_ = 0;
  wantsWrite_ = readsOpen_ = false;
  connection_.reset();
  failure_ = failure;
  hasFailed_ = state_ != State::ready;  // one that was lost is first tried again
  state_ = State::closed;
  backOff_.failed(now);
}

}  // namespace redline
