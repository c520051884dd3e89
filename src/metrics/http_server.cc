#include "metrics/http_server.h"

#include <utility>  // first: Boost 1.74 relies on it in C++20

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <exception>
#include <thread>

#include "metrics/event_stream.h"
#include "metrics/http_session.h"

namespace redline {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using Problem = boost::system::error_code;

}  // namespace

struct MetricsServer::Impl {
  const Site site;
  const HttpLimits limits;
  HttpSessions sessions;  // before the context, whose handlers hold them too
  EventStreams streams;
  asio::io_context context{1};
  Tcp::acceptor acceptor{context};
  asio::steady_timer pause{context};
  asio::steady_timer tick{context};
  Nanos endsAt = 0;  ///< 0: not asked to end
  std::uint16_t listensAt = 0;
  std::thread thread;
  const HttpSession::TakeStream takeStream = [this](boost::beast::tcp_stream stream,
                                                    std::uint64_t lastSeen) {
    addStream(std::move(stream), lastSeen);
  };

  Impl(Site what, HttpLimits bounds) : site(std::move(what)), limits(bounds) {}
  ~Impl() {
    sessions.clear();
    streams.clear();
  }

  /// The acceptor sets SO_REUSEADDR, which lets a run follow another on the same port; two servers
  /// on one port it refuses.
  Status listen(const std::string& host, std::uint16_t port) {
    Problem problem;
    const auto found = Tcp::resolver(context).resolve(
        host, std::to_string(port), Tcp::resolver::passive | Tcp::resolver::numeric_service,
        problem);
    if (!problem) {
      const Tcp::endpoint where = found.begin()->endpoint();
      acceptor.open(where.protocol(), problem);
      if (!problem) acceptor.set_option(Tcp::acceptor::reuse_address(true), problem);
      if (!problem) acceptor.bind(where, problem);
      if (!problem) acceptor.listen(asio::socket_base::max_listen_connections, problem);
    }
    if (problem)
      return fail(ErrorCode::io, "cannot listen on {}:{}: {}", host, port, problem.message());
    listensAt = acceptor.local_endpoint().port();
    return {};
  }

  void serve() {
    accept();
    thread = std::thread([this] { runToEnd(); });
  }

  // A handler throws when memory is out. That must not end the run that is being served.
  void runToEnd() noexcept {
    while (!context.stopped()) {
      try {
        context.run();
      } catch (const std::exception&) {
        continue;
      }
    }
  }

  void accept() {
    acceptor.async_accept([this](Problem problem, Tcp::socket socket) {
      if (endsAt != 0) return;
      if (problem) return acceptLater();
      accept();
      if (sessions.size() >= limits.connections) sessions.front()->close();
      std::make_shared<HttpSession>(std::move(socket), sessions, site, limits, takeStream)->start();
    });
  }

  // No file descriptor is left, for example: the next attempt at once would fail as well.
  void acceptLater() {
    pause.expires_after(std::chrono::milliseconds(50));
    pause.async_wait([this](Problem) { accept(); });
  }

  void addStream(boost::beast::tcp_stream stream, std::uint64_t lastSeen) {
    if (streams.size() >= limits.streams)
      (*std::ranges::min_element(streams, {}, [](const auto& each) {
        return each->openedAt();
      }))->close();
    std::make_shared<EventStream>(std::move(stream), streams, *site.feed, lastSeen, limits)
        ->start();
    if (streams.size() == 1) waitForTick();
  }

  void waitForTick() {
    tick.expires_after(std::chrono::nanoseconds(limits.tick));
    tick.async_wait([this](Problem cancelled) {
      if (cancelled || streams.empty() || endsAt != 0) return;
      waitForTick();
      serveStreams();
    });
  }

  /// Those that got nothing because the others had taken it all come first the next time.
  void serveStreams() {
    std::size_t left = limits.bytesPerTick;
    auto next = streams.begin();
    for (; next != streams.end() && left > 0; ++next) left -= std::min(left, (*next)->serve(left));
    streams.splice(streams.end(), streams, streams.begin(), next);
  }

  // Readers get the last events, which say how it ended.
  void end() {
    endsAt = SteadyClock::read() + limits.farewell;
    Problem ignored;
    acceptor.close(ignored);
    while (!sessions.empty()) sessions.front()->close();
    awaitReaders();
  }

  void awaitReaders() {
    std::size_t sent = 0;
    for (const auto& stream : streams) sent += stream->serve(limits.pieceSize);
    const bool isDone = sent == 0 && std::ranges::none_of(streams, [](const auto& stream) {
                          return stream->isWriting();
                        });
    if (isDone || SteadyClock::read() >= endsAt) return context.stop();
    pause.expires_after(std::chrono::milliseconds(5));
    pause.async_wait([this](Problem) { awaitReaders(); });
  }
};

MetricsServer::MetricsServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

MetricsServer::~MetricsServer() {
  asio::post(impl_->context, [impl = impl_.get()] { impl->end(); });
  impl_->thread.join();
}

Result<std::unique_ptr<MetricsServer>> MetricsServer::start(const std::string& host,
                                                            std::uint16_t port, Site site,
                                                            HttpLimits limits) {
  auto impl = std::make_unique<Impl>(std::move(site), limits);
  if (auto listening = impl->listen(host, port); !listening) return fail(listening.error());
  impl->serve();
  return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(impl)));
}

std::uint16_t MetricsServer::port() const {
  return impl_->listensAt;
}

}  // namespace redline
