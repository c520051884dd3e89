#pragma once

#include <string>

#include "transport/tls.h"

namespace redline {

/// What a server wants of those who connect to it. Never written anywhere.
struct Credentials {
  std::string user;      ///< empty: the default user
  std::string password;  ///< empty: no AUTH is sent
  Tls tls = nullptr;     ///< null: not encrypted
};

}  // namespace redline
