#include "metrics/http_server.h"

#include <httplib.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "metrics/exposition.h"

namespace redline {
namespace {

constexpr std::time_t kTimeoutSeconds = 2;  // a client that stalls gives its thread back

/// The library's default, SO_REUSEPORT, would let two programs listen on one port, each getting
/// some of the requests. SO_REUSEADDR alone refuses that, and still lets a run follow another.
void listenerOptions(socket_t listener) {
  const int on = 1;
  (void)::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
}

/// A body of known length from a provider is sent as it is; a plain one would be compressed for
/// clients that accept it, on a core that belongs to the measurement.
void answer(httplib::Response& response, std::string text) {
  const auto body = std::make_shared<const std::string>(std::move(text));
  response.set_content_provider(
      body->size(), std::string(kExpositionType),
      [body](std::size_t offset, std::size_t length, httplib::DataSink& sink) {
        sink.write(body->data() + offset, length);
        return true;
      });
}

}  // namespace

struct MetricsServer::Impl {
  httplib::Server server;
  int port = 0;
  std::atomic<bool> ended{false};
  std::thread thread;

  explicit Impl(Page page) {
    server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    server.set_socket_options(listenerOptions);
    server.set_keep_alive_max_count(1);
    server.set_read_timeout(kTimeoutSeconds);
    server.set_write_timeout(kTimeoutSeconds);
    server.set_payload_max_length(0);
    server.Get("/metrics",
               [page = std::move(page)](const httplib::Request&, httplib::Response& response) {
                 answer(response, page());
               });
    server.Get("/", [](const httplib::Request&, httplib::Response& response) {
      response.set_content("redline: GET /metrics\n", "text/plain; charset=utf-8");
    });
  }

  Status listen(const std::string& host, std::uint16_t wanted) {
    errno = 0;
    port = wanted == 0 ? server.bind_to_any_port(host)
                       : (server.bind_to_port(host, wanted) ? wanted : -1);
    if (port <= 0)
      return fail(ErrorCode::io, "cannot listen on {}:{}: {}", host, wanted,
                  errno == 0 ? "not an address of this machine" : errnoText(errno));
    thread = std::thread([this] {
      server.listen_after_bind();
      ended = true;
    });
    // stop() before the thread is at it would be forgotten.
    while (!server.is_running() && !ended)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return {};
  }
};

MetricsServer::MetricsServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

MetricsServer::~MetricsServer() {
  impl_->server.stop();
  impl_->thread.join();
}

Result<std::unique_ptr<MetricsServer>> MetricsServer::start(const std::string& host,
                                                            std::uint16_t port, Page page) {
  auto impl = std::make_unique<Impl>(std::move(page));
  if (auto listening = impl->listen(host, port); !listening) return fail(listening.error());
  return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(impl)));
}

std::uint16_t MetricsServer::port() const {
  return static_cast<std::uint16_t>(impl_->port);
}

}  // namespace redline
