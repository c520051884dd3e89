#include "chaos/target.h"

#include <algorithm>
#include <utility>

namespace redline {
namespace {

constexpr std::string_view kTarget = "target";
constexpr std::string_view kClientName = "redline-chaos";

}  // namespace

FaultParameter targetParameter() {
  return {.name = kTarget,
          .kind = ValueKind::text,
          .help = "the target server; in a cluster, any node",
          .example = "127.0.0.1:7601",
          .whenEmpty = "the first of -addr"};
}

Result<Endpoint> targetOf(const FaultArguments& arguments, const FaultContext& context) {
  const std::string& text = arguments.text(kTarget);
  if (text.empty()) return context.servers.front();
  auto endpoint = parseEndpoint(text);
  if (!endpoint) return fail(ErrorCode::usage, "-target: {}", endpoint.error().message);
  return endpoint;
}

Result<Endpoint> targetOf(const FaultSpec& spec, const FaultArguments& arguments,
                          const FaultContext& context) {
  const bool has =
      std::ranges::find(spec.parameters, kTarget, &FaultParameter::name) != spec.parameters.end();
  return has ? targetOf(arguments, context) : context.servers.front();
}

Result<Admin> connectForFault(const Endpoint& endpoint, const FaultContext& context) {
  auto admin = Admin::connect(endpoint, context.credentials);
  if (admin) (void)admin->commandRaw({"CLIENT", "SETNAME", kClientName});
  return admin;
}

Status keepConnected(Admin& admin, const Endpoint& endpoint, const FaultContext& context) {
  if (admin.commandRaw({"PING"})) return {};
  auto again = connectForFault(endpoint, context);
  if (!again) return fail(std::move(again.error()));
  admin = std::move(*again);
  return {};
}

}  // namespace redline
