#include "record/server_sample.h"

#include <charconv>

namespace redline {

double ServerSample::number(std::string_view field, double otherwise) const {
  const auto found = info.find(field);
  if (found == info.end()) return otherwise;
  const std::string& text = found->second;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? value : otherwise;
}

}  // namespace redline
