#pragma once

#include <string_view>

namespace redline {

// Files of deploy/, embedded when redline is built (cmake/embed.cmake).

extern const std::string_view kPrometheusConfig;
extern const std::string_view kRecordingRules;
extern const std::string_view kAlertRules;
extern const std::string_view kComposeNode;
extern const std::string_view kComposeCluster;

}  // namespace redline
