#pragma once

#include "record/server_sample.h"

namespace redline {

/// Adds figures that Linux has and INFO lacks:
///
///   minor_faults                  how often its process found a page missing, or had to copy one
///   that
///                                 it shares with a child, since its start
///   waiting_for_core_main_thread  seconds since its start in which the main thread was ready to
///   run
///                                 and other threads had its core
///
/// INFO's process_id is a pid of this machine unless the server has a pid namespace of its own:
/// there, some other process has that number, and nothing is added unless that one is a
/// redis-server too.
void addKernelFigures(ServerSample& sample);

}  // namespace redline
