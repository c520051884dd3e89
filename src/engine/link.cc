#include "engine/link.h"

namespace redline {

std::string lossText(int error) {
  if (error == 0) return "the server closed the connection";
  if (error == kNotResp) return "the server sent bytes that are not RESP";
  if (error == kReplyTooLong)
    return "the server sent a reply that is longer than the values of this data set (-value-size) "
           "can make it";
  if (error == kTooManyClients)
    return "the server has reached its maxclients: use fewer -conns, or raise it (CONFIG SET "
           "maxclients)";
  return errnoText(error);
}

}  // namespace redline
