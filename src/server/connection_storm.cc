#include "server/connection_storm.h"

#include <sys/resource.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "resp/command.h"
#include "resp/value.h"
#include "transport/gate.h"
#include "transport/transport.h"

namespace redline {
namespace {

constexpr rlim_t kOtherFiles = 256;   ///< other open files of this program
constexpr unsigned kOpensAPass = 64;  ///< connects between two looks at what has happened
constexpr Nanos kPollInterval = 20 * kMillisecond;

/// The limit of open files, raised while it lives.
class FileLimit {
 public:
  static Result<FileLimit> raise(rlim_t wanted) {
    FileLimit limit;
    ::getrlimit(RLIMIT_NOFILE, &limit.before_);
    if (limit.before_.rlim_cur >= wanted) return limit;
    rlimit raised{wanted, std::max(wanted, limit.before_.rlim_max)};
    if (::setrlimit(RLIMIT_NOFILE, &raised) != 0)
      return fail(ErrorCode::io,
                  "{} connections need {} open files, and the limit is {}: use fewer -clients, or "
                  "raise it with ulimit -Hn {}",
                  wanted - kOtherFiles, wanted, limit.before_.rlim_max, wanted);
    limit.raised_ = true;
    return limit;
  }
  FileLimit(FileLimit&& other) noexcept
      : before_(other.before_), raised_(std::exchange(other.raised_, false)) {}
  FileLimit& operator=(FileLimit&&) = delete;
  ~FileLimit() {
    if (raised_) ::setrlimit(RLIMIT_NOFILE, &before_);
  }

 private:
  FileLimit() = default;
  rlimit before_{};
  bool raised_ = false;
};

/// What every client sends: AUTH where there is a password, then PING.
std::string greeting(const Credentials& credentials) {
  std::string bytes;
  if (!credentials.password.empty()) {
    if (credentials.user.empty())
      appendCommand(bytes, {"AUTH", credentials.password});
    else
      appendCommand(bytes, {"AUTH", credentials.user, credentials.password});
  }
  appendCommand(bytes, {"PING"});
  return bytes;
}

class Storm {
 public:
  Storm(const StormOptions& options, std::unique_ptr<Transport> transport)
      : options_(options),
        transport_(std::move(transport)),
        greeting_(greeting(options.credentials)),
        repliesWanted_(options.credentials.password.empty() ? 1 : 2) {
    clients_.reserve(options.clients);
  }

  StormOutcome run(const std::function<bool()>& interrupted) {
    begin_ = SteadyClock::read();
    const Nanos end = begin_ + options_.patience;
    while (clients_.size() < options_.clients || pending_ > 0) {
      open();
      for (const TransportEvent& event : transport_->wait(allOpen() ? kPollInterval : 0))
        handle(event);
      if (SteadyClock::read() >= end || interrupted()) break;
    }
    outcome_.span = last_ - begin_;
    if (pending_ > 0) outcome_.errors["no answer in time"] += pending_;
    if (!allOpen()) outcome_.errors["not begun in time"] += options_.clients - clients_.size();
    return std::move(outcome_);
  }

 private:
  struct Client {
    Nanos begin = 0;
    ValueParser parser;
    unsigned replies = 0;
    bool done = false;
  };

  bool allOpen() const { return clients_.size() == options_.clients; }

  void open() {
    for (unsigned i = 0; i < kOpensAPass && !allOpen(); ++i) {
      const Nanos begin = SteadyClock::read();
      // Nothing is ever closed before the end, so connections are numbered as they are opened.
      const auto id = transport_->open(options_.server);
      clients_.push_back(std::make_unique<Client>());
      clients_.back()->begin = begin;
      if (id) {
        ids_.resize(std::max<std::size_t>(ids_.size(), *id + std::size_t{1}));
        ids_[*id] = clients_.back().get();
        ++pending_;
      } else {
        clients_.back()->done = true;
        ++outcome_.errors[id.error().message];
      }
    }
  }

  void handle(const TransportEvent& event) {
    Client& client = *ids_[event.conn];
    const Nanos now = SteadyClock::read();
    switch (event.kind) {
      case TransportEvent::Kind::connected:
        outcome_.connected.record(now - client.begin);
        transport_->outbound(event.conn).append(greeting_);
        transport_->flush(event.conn);
        return;
      case TransportEvent::Kind::received:
        read(event.conn, client, now);
        return;
      case TransportEvent::Kind::closed:
        finish(client, event.error == 0 ? "closed by the server" : errnoText(event.error));
        return;
    }
  }

  void read(ConnId id, Client& client, Nanos now) {
    InBuffer& in = transport_->inbound(id);
    client.parser.feed(in.readable());
    in.consume(in.readable().size());
    Value reply;
    while (!client.done) {
      const auto whole = client.parser.next(reply);
      if (!whole) {
        finish(client, "no RESP");
      } else if (!*whole) {
        return;
      } else if (reply.isError()) {
        finish(client, reply.text);
      } else if (++client.replies == repliesWanted_) {
        outcome_.answered.record(now - client.begin);
        last_ = now;
        finish(client, {});
      }
    }
  }

  /// With the first thing that ends its wait: an answer, or why there is none.
  void finish(Client& client, const std::string& error) {
    if (std::exchange(client.done, true)) return;
    --pending_;
    if (!error.empty()) ++outcome_.errors[error];
  }

  const StormOptions& options_;
  std::unique_ptr<Transport> transport_;
  std::string greeting_;
  unsigned repliesWanted_;
  std::vector<std::unique_ptr<Client>> clients_;  ///< in the order of their begin
  std::vector<Client*> ids_;                      ///< by connection
  std::size_t pending_ = 0;
  Nanos begin_ = 0, last_ = 0;
  StormOutcome outcome_;
};

}  // namespace

Result<StormOutcome> connectionStorm(const StormOptions& options,
                                     const std::function<bool()>& interrupted) {
  const auto limit = FileLimit::raise(options.clients + kOtherFiles);
  if (!limit) return fail(limit.error());
  // One send and one receive for each connection: a ring would have nothing to batch.
  auto transport = makeTransport(IoChoice::epoll, options.credentials.tls);
  if (!transport) return fail(transport.error());
  auto server = lookUp(options.server);
  if (!server) return fail(std::move(server.error()));
  StormOptions known = options;
  known.server = std::move(*server);
  return Storm(known, std::move(*transport)).run(interrupted);
}

}  // namespace redline
