#include <unistd.h>

#include <exception>
#include <new>
#include <string>
#include <vector>

#include "cmd/dispatch.h"
#include "os/console.h"
#include "os/secrets.h"

int main(int argc, char** argv) {
  redline::prepareConsole();
  std::vector<std::string> environment;
  for (char** setting = environ; setting != nullptr && *setting != nullptr; ++setting)
    environment.emplace_back(*setting);
  redline::hideSecret("REDLINE_PASSWORD");
  // Expected failures are values; what arrives here is out-of-memory or a bug.
  try {
    return redline::dispatch({argv, argv + argc}, environment);
  } catch (const std::bad_alloc&) {
    redline::printErr(
        "redline: out of memory: use fewer -conns, or smaller batches, values or caches\n");
    return 1;
  } catch (const std::exception& error) {
    redline::printErr("redline: {}\n", error.what());
    return 1;
  }
}
