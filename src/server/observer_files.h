#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"
#include "server/stack_state.h"
#include "transport/endpoint.h"

namespace redline {

/// Who is scraped, as Prometheus' file_sd_configs read it: the stack's servers, through the
/// exporter that listens on `exporterPort`.
std::string redisTargets(const StackState& stack, std::uint16_t exporterPort);
/// … and a driver, at the address of its -metrics.
std::string driverTargets(const Endpoint& driver);

/// The password of each of the stack's servers, as the exporter's -redis.password-file has them.
/// One that it has for all addresses it would send to any that it is asked to scrape.
std::string exporterPasswords(const StackState& stack, const std::string& password);

/// Writes the file of targets that names the stack's servers; Prometheus reads it again by itself.
Status writeRedisTargets(const std::filesystem::path& directory, const StackState& stack,
                         std::uint16_t exporterPort);

/// Writes what Prometheus reads into `directory`, which is made: its configuration, the rules, and
/// whom to scrape.
Status writeObserverFiles(const std::filesystem::path& directory, const StackState& stack,
                          std::uint16_t exporterPort, const Endpoint& driver);

}  // namespace redline
