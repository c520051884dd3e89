// What servers say of themselves in text: INFO, CLUSTER INFO and CLUSTER NODES are read or refused,
// whatever the bytes; slots of a view that is read have one owner.
#include "fuzz/target.h"
#include "server/cluster_admin.h"
#include "server/cluster_view.h"
#include "server/info.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace redline;
  const auto text = textOf(data, size);
  const ServerInfo info = parseServerInfo(text);
  (void)info.keys();
  (void)info.role();
  (void)info.recordedVersion();
  for (const auto& [name, value] : info.fields)
    require(value.find('\n') == std::string::npos, "a field of two lines");
  (void)parseReplication(info);
  (void)parseClusterInfo(text);
  const auto view = parseClusterNodes(text);
  if (!view) {
    require(view.error().code == ErrorCode::invalidInput, "an error that is not one of input");
    return 0;
  }
  require(!view->nodes.empty(), "a view without a node");
  for (std::uint16_t slot = 0; slot < 16'384; slot = static_cast<std::uint16_t>(slot + 1'000))
    (void)view->ownerOf(slot);
  return 0;
}
