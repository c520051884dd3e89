#pragma once

#include <utility>  // first: Boost 1.74 relies on it in C++20

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <functional>
#include <list>
#include <memory>

#include "metrics/http_answer.h"
#include "metrics/http_server.h"

namespace redline {

class HttpSession;
/// The connections that have not become streams, the oldest first.
using HttpSessions = std::list<std::shared_ptr<HttpSession>>;

/// One connection: reads a request, answers it, and waits for the client to close. The deadline is
/// set once, so it spans all three. One that asks for events is handed over.
class HttpSession : public std::enable_shared_from_this<HttpSession> {
 public:
  using TakeStream = std::function<void(boost::beast::tcp_stream stream, std::uint64_t lastSeen)>;

  HttpSession(boost::asio::ip::tcp::socket socket, HttpSessions& open, const Site& site,
              const HttpLimits& limits, const TakeStream& takeStream)
      : stream_(std::move(socket)), open_(open), site_(site), takeStream_(takeStream) {
    request_.header_limit(limits.requestSize);
    request_.body_limit(0);
    stream_.expires_after(std::chrono::nanoseconds(limits.deadline));
  }

  void start() {
    self_ = open_.insert(open_.end(), shared_from_this());
    boost::beast::http::async_read(
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
  using Problem = boost::system::error_code;

  void onRequest(const Problem& problem) {
    if (!isOpen_) return;
    if (problem && !isMalformed(problem)) return close();  // it left, or ran out of time
    if (!problem && asksForEvents(request_.get(), site_)) return handOver();
    response_ = problem ? answerTo(problem) : answerTo(request_.get(), site_);
    boost::beast::http::async_write(
        stream_, response_,
        [self = shared_from_this()](Problem failed, std::size_t) { self->onAnswered(failed); });
  }

  void handOver() {
    isOpen_ = false;
    takeStream_(std::move(stream_), lastSeen(request_.get(), *site_.feed));
    open_.erase(self_);
  }

  // Closed at once, unread bytes of the client's would make the kernel discard the answer.
  void onAnswered(const Problem& problem) {
    if (!isOpen_) return;
    if (problem) return close();
    Problem ignored;
    stream_.socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
    awaitClientsEnd();
  }

  void awaitClientsEnd() {
    stream_.async_read_some(boost::asio::buffer(unread_),
                            [self = shared_from_this()](Problem problem, std::size_t) {
                              if (!self->isOpen_) return;
                              if (problem) return self->close();
                              self->awaitClientsEnd();
                            });
  }

  boost::beast::tcp_stream stream_;
  HttpSessions& open_;
  HttpSessions::iterator self_;
  const Site& site_;
  const TakeStream& takeStream_;
  bool isOpen_ = true;
  boost::beast::flat_buffer buffer_;
  boost::beast::http::request_parser<boost::beast::http::empty_body> request_;
  HttpResponse response_;
  std::array<char, 1'024> unread_;
};

}  // namespace redline
