#pragma once

#include <utility>  // first: Boost 1.74 relies on it in C++20

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <chrono>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "metrics/event_feed.h"
#include "metrics/http_answer.h"
#include "metrics/http_server.h"

namespace redline {

class EventStream;
/// The open streams, in the order in which they are served.
using EventStreams = std::list<std::shared_ptr<EventStream>>;

/// One reader of events. It keeps the number of the event that was sent last and the piece that is
/// under way, and nothing else: what follows is in the feed.
class EventStream : public std::enable_shared_from_this<EventStream> {
 public:
  EventStream(boost::beast::tcp_stream stream, EventStreams& open, const EventFeed& feed,
              std::uint64_t lastSeen, const HttpLimits& limits)
      : stream_(std::move(stream)), open_(open), feed_(feed), limits_(limits), last_(lastSeen) {}

  void start() {
    self_ = open_.insert(open_.end(), shared_from_this());
    Problem ignored;
    stream_.socket().set_option(
        boost::asio::socket_base::send_buffer_size(static_cast<int>(limits_.pieceSize)), ignored);
    awaitClientsEnd();
    static const auto kHead = std::make_shared<const std::string>(kEventStreamHead);
    write({kHead});
  }

  /// Sends what is due, `mostBytes` or a little more; how many bytes that were.
  std::size_t serve(std::size_t mostBytes) {
    if (isWriting_) return 0;
    EventFeed::Batch batch = feed_.after(last_, std::min(mostBytes, limits_.pieceSize));
    const bool isQuiet = SteadyClock::read() - wroteAt_ >= limits_.heartbeat;
    if (batch.frames.empty() && !isQuiet) return 0;
    static const auto kHeartbeat = std::make_shared<const std::string>(":\n\n");
    if (batch.frames.empty()) batch.frames.push_back(kHeartbeat);
    last_ = batch.last;
    return write(std::move(batch.frames));
  }

  bool isWriting() const { return isWriting_; }
  Nanos openedAt() const { return openedAt_; }

  void close() {
    if (!isOpen_) return;
    isOpen_ = false;
    stream_.close();
    open_.erase(self_);
  }

 private:
  using Problem = boost::system::error_code;

  std::size_t write(std::vector<EventFeed::Frame> frames) {
    isWriting_ = true;
    wroteAt_ = SteadyClock::read();
    frames_ = std::move(frames);
    std::vector<boost::asio::const_buffer> buffers;
    for (const EventFeed::Frame& frame : frames_) buffers.emplace_back(boost::asio::buffer(*frame));
    // A read is pending, and keeps the time that it has.
    stream_.expires_after(std::chrono::nanoseconds(limits_.pieceDeadline));
    boost::asio::async_write(
        stream_, buffers,
        [self = shared_from_this()](Problem problem, std::size_t) { self->onWritten(problem); });
    return boost::asio::buffer_size(buffers);
  }

  void onWritten(const Problem& problem) {
    if (!isOpen_) return;
    isWriting_ = false;
    frames_.clear();
    if (problem) close();
  }

  // A reader has nothing more to say: whatever comes ends its stream, its own end included.
  void awaitClientsEnd() {
    stream_.expires_never();
    stream_.async_read_some(boost::asio::buffer(unread_),
                            [self = shared_from_this()](Problem, std::size_t) { self->close(); });
  }

  boost::beast::tcp_stream stream_;
  EventStreams& open_;
  EventStreams::iterator self_;
  const EventFeed& feed_;
  const HttpLimits& limits_;
  std::uint64_t last_;
  const Nanos openedAt_ = SteadyClock::read();
  Nanos wroteAt_ = 0;
  bool isOpen_ = true;
  bool isWriting_ = false;
  std::vector<EventFeed::Frame> frames_;
  std::array<char, 16> unread_;
};

}  // namespace redline
