#include "server/scoped_stack.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "server/stack.h"

namespace redline {
namespace fs = std::filesystem;
namespace {

constexpr std::uint64_t kDefaultMaxmemory = 256ULL << 20;
constexpr int kAttempts = 5;

Result<fs::path> makeTemporary(const fs::path& parent) {
  const char* const env = std::getenv("TMPDIR");
  const fs::path base = !parent.empty() ? parent : env != nullptr && *env != 0 ? env : "/tmp";
  std::string name = fs::absolute(base) / "redline-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr)
    return fail(ErrorCode::io, "cannot make a directory in {}: {}", base.string(),
                errnoText(errno));
  return fs::path(name);
}

}  // namespace

Result<ScopedStack> ScopedStack::start(const ScopedStackOptions& options) {
  ScopedStack stack;
  auto dir = makeTemporary(options.parent);
  if (!dir) return fail(std::move(dir.error()));
  stack.dir_ = std::move(*dir);
  stack.startTimeout_ = options.startTimeout;
  if (auto started = stack.startNode(options); !started) return fail(std::move(started.error()));
  return stack;
}

Status ScopedStack::startNode(const ScopedStackOptions& options) {
  NodeConfig config = options.node;
  if (config.maxmemory == 0) config.maxmemory = kDefaultMaxmemory;
  Status last;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto port = freePort();
    if (!port) return fail(std::move(port.error()));
    config.port = *port;
    config.dir = dir_ / fmt::format("node-{}", config.port);
    auto node = Node::start(config, {startTimeout_, true, {}});
    if (node) {
      nodes_.push_back(std::make_unique<Node>(std::move(*node)));
      return {};
    }
    last = fail(std::move(node.error()));
    // Somebody may take the port between our look and the server's: only then try another.
    if (checkPortFree(config.port)) break;
  }
  return last;
}

Status ScopedStack::restart() {
  if (auto gone = node().kill(); !gone) return gone;
  auto started = Node::start(node().config(), {startTimeout_, true, {}});
  if (!started) return fail(std::move(started.error()));
  nodes_.front() = std::make_unique<Node>(std::move(*started));
  return {};
}

void ScopedStack::clear() {
  if (dir_.empty()) return;  // moved from
  for (const auto& node : nodes_) (void)node->kill();
  killServersIn(dir_);
  std::error_code problem;
  fs::remove_all(dir_, problem);
}

}  // namespace redline
