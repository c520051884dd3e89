#pragma once

#include "record/server_sample.h"
#include "server/server_process.h"

namespace redline {

/// Adds figures that Linux has and INFO lacks, of a server on this machine, whose process `process`
/// finds:
///
///   minor_faults                  how often its process found a page missing, or had to copy one
///                                 that it shares with a child, since its start
///   waiting_for_core_main_thread  seconds since its start in which the main thread was ready to
///                                 run and other threads had its core
///
/// Nothing is added where the process cannot be told.
void addKernelFigures(ServerSample& sample, ServerProcess& process);

}  // namespace redline
