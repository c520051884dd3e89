#pragma once

#include <gtest/gtest.h>

#include <span>
#include <string>

#include "lab/experiment.h"
#include "os/files.h"
#include "support/paths.h"

namespace redline {

/// What the experiment's own TOML says in a profile, with `overrides` above it.
inline Result<Parameters> parametersOf(const Experiment& experiment, Profile profile,
                                       std::span<const ParameterOverride> overrides = {}) {
  const std::string name = std::string(experiment.name) + ".toml";
  const auto toml = readWholeFile(std::string(REDLINE_SOURCE_DIR) + "/experiments/" + name);
  if (!toml) return fail(toml.error());
  return readParameters(experiment.parameters, name, *toml, profile, overrides);
}

inline Parameters quickParametersOf(const Experiment& experiment) {
  auto read = parametersOf(experiment, Profile::quick);
  EXPECT_TRUE(read) << read.error().message;
  return *read;
}

}  // namespace redline
