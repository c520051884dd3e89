#pragma once

#include <array>
#include <string_view>

namespace redline {

// What redline's observers call themselves by CLIENT SETNAME. What it does to a server on purpose
// (faults, loading) has other names, and is load.
inline constexpr std::string_view kSamplerClient = "redline-sampler", kTopClient = "redline-top",
                                  kDoctorClient = "redline-doctor", kProbeClient = "redline-probe";
inline constexpr std::array<std::string_view, 4> kObserverClients{kSamplerClient, kTopClient,
                                                                  kDoctorClient, kProbeClient};

}  // namespace redline
