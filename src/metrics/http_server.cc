#include "metrics/http_server.h"

#include <utility>  // first: Boost 1.74 relies on it in C++20

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <exception>
#include <list>
#include <thread>

#include "metrics/exposition.h"

namespace redline {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = asio::ip::tcp;
using Problem = boost::system::error_code;
using Response = http::response<http::string_body>;

constexpr std::string_view kPlainType = "text/plain; charset=utf-8";

std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}

Response answer(http::status status, std::string_view type, std::string body) {
  Response response(status, 11);
  response.set(http::field::content_type, beast::string_view(type.data(), type.size()));
  response.keep_alive(false);
  response.body() = std::move(body);
  response.prepare_payload();
  return response;
}

Response answerTo(const http::request<http::empty_body>& request,
                  const MetricsServer::Page& metrics) {
  const std::string_view target = view(request.target());
  const std::string_view path = target.substr(0, target.find('?'));
  if (path != "/" && path != "/metrics")
    return answer(http::status::not_found, kPlainType, "not found: GET /metrics\n");
  if (request.method() != http::verb::get) {
    Response refusal = answer(http::status::method_not_allowed, kPlainType, "use GET\n");
    refusal.set(http::field::allow, "GET");
    return refusal;
  }
  if (path == "/") return answer(http::status::ok, kPlainType, "redline: GET /metrics\n");
  try {
    return answer(http::status::ok, kExpositionType, metrics());
  } catch (const std::exception&) {  // no memory for the page; the run continues
    return answer(http::status::service_unavailable, kPlainType, "try again\n");
  }
}

/// Bytes came that are not a request, which deserves an answer.
bool isMalformed(const Problem& problem) {
  return problem.category() == http::make_error_code(http::error::bad_method).category() &&
         problem != http::error::end_of_stream && problem != http::error::partial_message;
}

Response answerTo(const Problem& problem) {
  const bool tooLong = problem == http::error::header_limit;
  return answer(tooLong ? http::status::request_header_fields_too_large : http::status::bad_request,
                kPlainType, "this is not a request that can be answered: GET /metrics\n");
}

class Session;
/// The open connections, the oldest first.
using Sessions = std::list<std::shared_ptr<Session>>;

/// One connection: reads a request, answers it, and waits for the client to close. The deadline is
/// set once, so it spans all three.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Tcp::socket socket, Sessions& open, const MetricsServer::Page& page,
          const HttpLimits& limits)
      : stream_(std::move(socket)), open_(open), page_(page) {
    request_.header_limit(limits.requestSize);
    request_.body_limit(0);
    stream_.expires_after(std::chrono::nanoseconds(limits.deadline));
  }

  void start() {
    self_ = open_.insert(open_.end(), shared_from_this());
    http::async_read(
        stream_, buffer_, request_,
        [self = shared_from_this()](Problem problem, std::size_t) { self->onRequest(problem); });
  }

  /// Its pending operation ends with an error, and with that its life.
  void close() {
    if (!isOpen_) return;
    isOpen_ = false;
    stream_.close();
    open_.erase(self_);
  }

 private:
  void onRequest(const Problem& problem) {
    if (!isOpen_) return;
    if (problem && !isMalformed(problem)) return close();  // it left, or ran out of time
    response_ = problem ? answerTo(problem) : answerTo(request_.get(), page_);
    http::async_write(stream_, response_, [self = shared_from_this()](Problem failed, std::size_t) {
      self->onAnswered(failed);
    });
  }

  // Closed at once, unread bytes of the client's would make the kernel discard the answer.
  void onAnswered(const Problem& problem) {
    if (!isOpen_) return;
    if (problem) return close();
    Problem ignored;
    stream_.socket().shutdown(Tcp::socket::shutdown_send, ignored);
    awaitClientsEnd();
  }

  void awaitClientsEnd() {
    stream_.async_read_some(asio::buffer(unread_),
                            [self = shared_from_this()](Problem problem, std::size_t) {
                              if (!self->isOpen_) return;
                              if (problem) return self->close();
                              self->awaitClientsEnd();
                            });
  }

  beast::tcp_stream stream_;
  Sessions& open_;
  Sessions::iterator self_;
  const MetricsServer::Page& page_;
  bool isOpen_ = true;
  beast::flat_buffer buffer_;
  http::request_parser<http::empty_body> request_;
  Response response_;
  std::array<char, 1'024> unread_;
};

}  // namespace

struct MetricsServer::Impl {
  const Page page;
  const HttpLimits limits;
  Sessions open;  // before the context, whose handlers hold sessions too
  asio::io_context context{1};
  Tcp::acceptor acceptor{context};
  asio::steady_timer pause{context};
  std::uint16_t listensAt = 0;
  std::thread thread;

  Impl(Page metrics, HttpLimits bounds) : page(std::move(metrics)), limits(bounds) {}
  ~Impl() { open.clear(); }

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
      if (problem) return acceptLater();
      accept();
      if (open.size() >= limits.connections) open.front()->close();
      std::make_shared<Session>(std::move(socket), open, page, limits)->start();
    });
  }

  // No file descriptor is left, for example: the next attempt at once would fail as well.
  void acceptLater() {
    pause.expires_after(std::chrono::milliseconds(50));
    pause.async_wait([this](Problem) { accept(); });
  }
};

MetricsServer::MetricsServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

MetricsServer::~MetricsServer() {
  impl_->context.stop();
  impl_->thread.join();
}

Result<std::unique_ptr<MetricsServer>> MetricsServer::start(const std::string& host,
                                                            std::uint16_t port, Page page,
                                                            HttpLimits limits) {
  auto impl = std::make_unique<Impl>(std::move(page), limits);
  if (auto listening = impl->listen(host, port); !listening) return fail(listening.error());
  impl->serve();
  return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(impl)));
}

std::uint16_t MetricsServer::port() const {
  return impl_->listensAt;
}

}  // namespace redline
