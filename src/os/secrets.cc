#include "os/secrets.h"

#include <sys/prctl.h>

#include <cstdlib>
#include <cstring>

namespace redline {

void hideSecret(const char* variable) {
  char* const value = std::getenv(variable);
  if (value == nullptr) return;
  std::memset(value, 0, std::strlen(value));  // where the kernel shows it
  ::unsetenv(variable);
  ::prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
}

}  // namespace redline
