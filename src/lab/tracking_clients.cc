#include "lab/tracking_clients.h"

#include <algorithm>
#include <utility>

#include "resp/command.h"
#include "resp/push.h"

namespace redline::lab {
namespace {

constexpr Nanos kPushPatience = 10 * kSecond;

}  // namespace

Result<TrackingClients> TrackingClients::connect(const Endpoint& endpoint, std::size_t clients,
                                                 TrackingMode mode, std::string_view prefix) {
  TrackingClients all;
  if (auto opened = all.open(endpoint, clients + 1); !opened) return fail(opened.error());
  const std::vector<std::string> hello{"HELLO", "3"};
  std::vector<std::vector<std::string>> greeting{hello};
  if (mode == TrackingMode::keysRead) greeting.push_back({"CLIENT", "TRACKING", "ON"});
  if (mode == TrackingMode::broadcast)
    greeting.push_back({"CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", std::string(prefix)});
  if (auto greeted = all.sendFromEach(greeting); !greeted) return fail(greeted.error());
  if (const auto greeted = all.write(hello); !greeted) return fail(greeted.error());
  return all;
}

Status TrackingClients::open(const Endpoint& endpoint, std::size_t links) {
  auto transport = makeTransport(IoChoice::epoll);
  if (!transport) return fail(transport.error());
  transport_ = std::move(*transport);
  // No more at a time than a server's backlog of connections takes.
  constexpr std::size_t kTogether = 100;
  while (links_.size() < links) {
    for (std::size_t n = 0; n < kTogether && links_.size() < links; ++n) {
      const auto conn = transport_->open(endpoint);
      if (!conn) return fail(conn.error());
      if (ofConn_.size() <= *conn) ofConn_.resize(*conn + 1);
      ofConn_[*conn] = links_.size();
      links_.emplace_back().conn = *conn;
    }
    const auto done = readUntil([this] { return connected_ == links_.size(); }, kPushPatience);
    if (!done) return fail(done.error());
    if (!*done)
      return fail(ErrorCode::timeout, "{} took {} of {} connections", endpoint.text(), connected_,
                  links);
  }
  return {};
}

void TrackingClients::send(std::size_t link, std::span<const std::vector<std::string>> commands) {
  std::string bytes;
  for (const auto& command : commands) appendCommand(bytes, command);
  Link& of = links_[link];
  of.awaited += commands.size();
  transport_->outbound(of.conn).append(bytes);
  transport_->flush(of.conn);
}

Status TrackingClients::sendFromEach(std::span<const std::vector<std::string>> commands) {
  constexpr std::size_t kTogether = 100;  // of a client; more would only fill buffers
  for (std::size_t i = 0; i < size(); ++i) links_[i].next = 0;
  Nanos deadline = SteadyClock::read() + kPushPatience;
  while (true) {
    bool isDone = true;
    for (std::size_t i = 0; i < size(); ++i) {
      Link& link = links_[i];
      if (link.awaited == 0 && link.next < commands.size()) {
        const std::size_t count = std::min(kTogether, commands.size() - link.next);
        send(i, commands.subspan(link.next, count));
        link.next += count;
        deadline = SteadyClock::read() + kPushPatience;
      }
      isDone = isDone && link.awaited == 0;
    }
    if (isDone) return {};
    if (SteadyClock::read() > deadline)
      return fail(ErrorCode::timeout, "replies to tracking clients did not come");
    if (auto passed = pass(kMillisecond); !passed) return passed;
  }
}

Result<Nanos> TrackingClients::write(const std::vector<std::string>& command) {
  Link& writer = links_.back();
  send(links_.size() - 1, {&command, 1});
  const auto done = readUntil([&writer] { return writer.awaited == 0; }, kPushPatience);
  if (!done) return fail(done.error());
  if (!*done) return fail(ErrorCode::timeout, "no reply to {}", command.front());
  return writer.repliedAt;
}

Result<bool> TrackingClients::readUntil(const std::function<bool()>& done, Nanos limit) {
  const Nanos deadline = SteadyClock::read() + limit;
  while (!done()) {
    const Nanos left = deadline - SteadyClock::read();
    if (left <= 0) return false;
    if (auto passed = pass(std::min(left, 5 * kMillisecond)); !passed) return fail(passed.error());
  }
  return true;
}

Status TrackingClients::pass(Nanos timeout) {
  for (const TransportEvent& event : transport_->wait(timeout)) {
    const std::size_t link = ofConn_[event.conn];
    if (event.kind == TransportEvent::Kind::closed)
      return fail(ErrorCode::unreachable, "the server closed a tracking client's connection");
    if (event.kind == TransportEvent::Kind::connected) ++connected_;
    if (event.kind == TransportEvent::Kind::received)
      if (auto done = read(link); !done) return done;
  }
  return {};
}

Status TrackingClients::read(std::size_t place) {
  Link& link = links_[place];
  InBuffer& in = transport_->inbound(link.conn);
  const Nanos now = SteadyClock::read();
  ReplyView reply;
  while (!in.readable().empty()) {
    const auto status = link.scanner.next(in.readable(), reply);
    if (status == ReplyScanner::Status::malformed)
      return fail(ErrorCode::invalidInput, "a reply to a tracking client is not RESP");
    if (status == ReplyScanner::Status::needMore) return {};
    if (reply.type == ReplyType::push) {
      readPush(reply, [&](std::string_view key) {
        if (onPush_) onPush_(place, key, now);
      });
    } else if (reply.isError()) {
      return fail(ErrorCode::refused, "{}", reply.payload);
    } else {
      if (link.awaited > 0) --link.awaited;
      link.repliedAt = now;
    }
    in.consume(reply.size);
  }
  return {};
}

}  // namespace redline::lab
