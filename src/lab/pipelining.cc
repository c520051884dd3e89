#include "lab/catalog.h"

namespace redline {
Experiment pipeliningExperiment() {
  return {};
}
}  // namespace redline
