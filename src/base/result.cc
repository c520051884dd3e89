#include "base/result.h"

#include <system_error>

namespace redline {

std::string errnoText(int number) {
  return std::generic_category().message(number);
}

}  // namespace redline
