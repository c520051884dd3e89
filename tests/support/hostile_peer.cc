#include "support/hostile_peer.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/rng.h"
#include "cluster/hash_slot.h"
#include "workload/keyspace.h"

namespace redline::test {
namespace {

constexpr std::string_view kHello =
    "%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:3\r\n$"
    "2\r\nid"
    "\r\n:7\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*"
    "0\r\n";
/// What a flood ends at: far beyond what a client may keep.
constexpr std::size_t kFloodBytes = std::size_t{1} << 30;

std::string repeated(std::string_view unit) {
  std::string all;
  while (all.size() < 64 * 1024) all += unit;
  return all;
}

std::string bulk(std::string_view text) {
  return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

}  // namespace

HostilePeer::HostilePeer(const Plan& plan)
    : plan_(plan), wake_(::eventfd(0, EFD_CLOEXEC)), thread_([this] { serve(); }) {}

HostilePeer::~HostilePeer() {
  const std::uint64_t one = 1;
  EXPECT_EQ(::write(wake_.get(), &one, sizeof one), static_cast<ssize_t>(sizeof one));
  thread_.join();
}

void HostilePeer::serve() {
  for (;;) {
    std::vector<pollfd> waiting{{wake_.get(), POLLIN, 0}};
    for (const TcpListener& listener : listeners_) waiting.push_back({listener.fd(), POLLIN, 0});
    const std::size_t first = waiting.size();
    for (const auto& s : sessions_) {
      const bool wantsOut = !s->out.empty() || !s->flood.empty() || s->ends;
      waiting.push_back({s->fd.get(), static_cast<short>(wantsOut ? POLLIN | POLLOUT : POLLIN), 0});
    }
    if (::poll(waiting.data(), waiting.size(), -1) < 0) continue;
    if (waiting[0].revents != 0) return;
    for (std::size_t i = 0; i < waiting.size() - first; ++i) {
      Session& s = *sessions_[i];
      const short seen = waiting[first + i].revents;
      const bool lives = ((seen & ~POLLOUT) == 0 || receive(s)) && (seen == 0 || send(s));
      if (!lives) s.fd.reset();
    }
    for (std::size_t i = 0; i < listeners_.size(); ++i)
      if (waiting[1 + i].revents != 0) accept(i);
    std::erase_if(sessions_, [](const auto& s) { return !s->fd.valid(); });
  }
}

void HostilePeer::accept(std::size_t node) {
  auto session = std::make_unique<Session>();
  session->fd = listeners_[node].accept();
  session->node = node;
  session->inExchange = begins(Exchange::greeting) || std::exchange(mayRegreet_, false);
  sessions_.push_back(std::move(session));
}

/// False: the client has gone.
bool HostilePeer::receive(Session& session) {
  std::array<char, 16 * 1024> bytes;
  const ssize_t got = ::recv(session.fd.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got <= 0) return got < 0 && errno == EAGAIN;
  session.requests.feed({bytes.data(), static_cast<std::size_t>(got)});
  Value request;
  while (!session.ends && session.requests.next(request).value_or(false))
    if (!session.isSilent) answer(session, request);
  return true;
}

/// False: it has said its last, or the client has gone.
bool HostilePeer::send(Session& session) const {
  for (;;) {
    if (session.out.empty() && session.flooded < kFloodBytes) {
      session.out = session.flood;
      session.flooded += session.flood.size();
    }
    if (session.out.empty()) break;
    const ssize_t sent = ::send(session.fd.get(), session.out.data(), session.out.size(),
                                MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    session.out.erase(0, static_cast<std::size_t>(sent));
    if (!session.flood.empty()) break;  // the others have their turn
  }
  if (session.resets) {
    const linger none{1, 0};
    ::setsockopt(session.fd.get(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
  }
  return !session.ends;
}

// ---------------------------------------------------------------------------------------------------
// The conversation

void HostilePeer::answer(Session& session, const Value& request) {
  const std::string& name = request.items.at(0).text;
  if (name == "HELLO") return say(session, kHello);
  if (name == "MULTI") {
    session.inTransaction = true;
    session.inExchange = begins(Exchange::transaction);
    return say(session, "+OK\r\n");
  }
  if (name == "EXEC") {
    std::string all = "*" + std::to_string(session.queued.size()) + "\r\n";
    for (const std::string& reply : session.queued) all += reply;
    session.queued.clear();
    session.inTransaction = false;
    say(session, all);
    return finish(session);
  }
  if (session.inTransaction) {
    session.queued.push_back(name == "GET" ? valueOf(request.items.at(1).text) : "+OK\r\n");
    return say(session, "+QUEUED\r\n");
  }
  if (name == "ASKING") {
    session.inExchange = plan_.exchange == Exchange::asking && !over_;
    return say(session, "+OK\r\n");
  }
  if (name == "GET") return answerGet(session, request.items.at(1).text);
  say(session, "+OK\r\n");  // CLIENT TRACKING, SET
  finish(session);
}

void HostilePeer::answerGet(Session& session, const std::string& key) {
  if (begins(Exchange::regreeting)) {
    mayRegreet_ = session.ends = true;
    return;
  }
  const bool moves = session.node == 0 && begins(Exchange::asking);
  if (moves || begins(Exchange::ask)) {
    session.inExchange = !moves;
    say(session, "-ASK " + std::to_string(hashSlot(key)) + " " + node(1).text() + "\r\n");
  } else {
    session.inExchange |= begins(Exchange::get);
    say(session, valueOf(key));
  }
  finish(session);
  if (!begins(Exchange::push)) return;
  session.inExchange = true;
  say(session, ">2\r\n$10\r\ninvalidate\r\n*1\r\n" + bulk(key));
  finish(session);
}

std::string HostilePeer::valueOf(const std::string& key) const {
  std::string value(plan_.values.size(), '\0');
  plan_.values.write(value.data(), parseKey(key).value_or(0), 0);
  return bulk(value);
}

// ---------------------------------------------------------------------------------------------------
// The blow

/// Whether the exchange that the blow falls in begins here, or what leads to it.
bool HostilePeer::begins(Exchange exchange) {
  const auto isUnderWay = [](const auto& session) { return session->inExchange; };
  if (exchange != plan_.exchange || over_ || std::ranges::any_of(sessions_, isUnderWay))
    return false;
  ++begun_;
  if (exchange == Exchange::greeting) return begun_ == 1;
  return exchange == Exchange::transaction ? begun_ >= 3 : begun_ == 3;
}

/// A transaction may be shorter than the blow's offset: then the next one has it.
void HostilePeer::finish(Session& session) {
  if (!std::exchange(session.inExchange, false)) return;
  over_ = plan_.exchange != Exchange::transaction || plan_.blow == Blow::none || struck_;
  if (!over_) said_ = 0;
}

void HostilePeer::say(Session& session, std::string_view bytes) {
  const std::size_t left = plan_.offset - std::min<std::size_t>(plan_.offset, said_);
  if (session.inExchange && plan_.blow != Blow::none && !struck_ && left < bytes.size()) {
    session.out += bytes.substr(0, left);
    strike(session, bytes.substr(left));
    return;
  }
  if (session.inExchange) said_ += bytes.size();
  if (!session.isSilent && !session.ends) session.out += bytes;
}

void HostilePeer::strike(Session& session, std::string_view rest) {
  static const std::string kText = repeated("x"), kArrays = repeated("*1\r\n");
  struck_ = over_ = true;
  session.isSilent = plan_.blow != Blow::garbage;
  switch (plan_.blow) {
    case Blow::none:
    case Blow::stop:
      break;
    case Blow::reset:
      session.resets = true;
      [[fallthrough]];
    case Blow::close:
      session.ends = true;
      break;
    case Blow::garbage: {
      Rng rng(plan_.offset, 0);
      for (int i = 0; i < 64; ++i) session.out += static_cast<char>(rng.below(256));
      session.out += rest;
      break;
    }
    case Blow::length:
      session.out += "$1000000000\r\n";
      session.flood = kText;
      break;
    case Blow::nesting:
      session.flood = kArrays;
      break;
    case Blow::line:
      session.out += "+";
      session.flood = kText;
      break;
  }
}

}  // namespace redline::test
