#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "os/program.h"
#include "support/paths.h"

namespace redline::test {

struct ShellEnd {
  int code = -1;
  std::string out, errors;
};

/// Runs a line of bash in `home`; $R is redline, whose state is in `home` too.
inline ShellEnd runShell(const std::filesystem::path& home, const std::string& line) {
  const auto ran =
      runProgram({"/bin/bash", "-c",
                  fmt::format("cd {} && export REDLINE_HOME=$PWD/state R={}/redline; {}",
                              home.string(), REDLINE_BINARY_DIR, line)},
                 60 * kSecond);
  EXPECT_TRUE(ran) << ran.error().message;
  return ran ? ShellEnd{ran->exitCode, ran->output, ran->errors} : ShellEnd{};
}

}  // namespace redline::test
