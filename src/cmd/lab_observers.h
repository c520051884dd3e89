#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "server/observers.h"
#include "transport/endpoint.h"

namespace redline {

/// Prometheus and its exporter beside a lab, until this object or the process ends: they scrape the
/// lab's page, and its servers as these come and go.
class LabObservers {
 public:
  /// Their files go into `directory`, which is made, and removed at the end. `page`: of -metrics.
  static Result<std::unique_ptr<LabObservers>> start(std::filesystem::path directory,
                                                     const Endpoint& page);
  ~LabObservers();
  LabObservers(const LabObservers&) = delete;
  LabObservers& operator=(const LabObservers&) = delete;

  /// Prometheus's.
  std::string url() const { return observers_.all().front().url(); }
  /// The servers that are up now.
  Status follow(const std::vector<Endpoint>& servers) const;

 private:
  explicit LabObservers(Observers observers) : observers_(std::move(observers)) {}

  Observers observers_;
};

}  // namespace redline
