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

Result<const OwnServer*> ownServerAt(const Endpoint& endpoint, const FaultContext& context) {
  if (const OwnServer* const own = findOwn(context.own, endpoint)) return own;
  return fail(ErrorCode::unsafe, "{} was not started by redline: start one with `redline stack up`",
              endpoint.text());
}

Result<Credentials> restartCredentials(Admin& admin, const FaultContext& context) {
  Credentials credentials = context.credentials;
  if (credentials.user.empty() || credentials.user == "default") return credentials;
  const auto password = admin.configGet("requirepass");
  if (!password)
    return fail(password.error().code,
                "{} is restarted with the default user's password, which user {} may not read "
                "({}): allow it +config|get, or be the default user",
                admin.endpoint().text(), credentials.user, password.error().message);
  credentials.user.clear();
  credentials.password = *password;
  return credentials;
}

std::optional<double> keysOf(Admin& admin) {
  const auto said = admin.commandRaw({"DBSIZE"});
  if (!said || said->isError()) return std::nullopt;
  return static_cast<double>(said->integer);
}

Status keepConnected(Admin& admin, const Endpoint& endpoint, const FaultContext& context) {
  if (admin.commandRaw({"PING"})) return {};
  auto again = connectForFault(endpoint, context);
  if (!again) return fail(std::move(again.error()));
  admin = std::move(*again);
  return {};
}

}  // namespace redline
