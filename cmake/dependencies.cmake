# Debian 12 packages, by name in scripts/setup. Nothing is downloaded or vendored.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(ZLIB REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(Boost REQUIRED)  # headers only: Boost.Math, Boost.Beast
pkg_check_modules(liburing REQUIRED IMPORTED_TARGET liburing)
pkg_check_modules(libpq REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(tomlplusplus REQUIRED IMPORTED_TARGET tomlplusplus)
pkg_check_modules(prometheus_core REQUIRED IMPORTED_TARGET prometheus-cpp-core)
# The live page's charts; the files of the installed package are embedded, with their licence.
find_file(REDLINE_DYGRAPH_JS dygraph.min.js PATH_SUFFIXES share/javascript/dygraphs REQUIRED)
find_file(REDLINE_DYGRAPH_CSS dygraph.min.css PATH_SUFFIXES share/javascript/dygraphs REQUIRED)
find_file(REDLINE_DYGRAPH_LICENCE copyright PATH_SUFFIXES share/doc/libjs-dygraphs REQUIRED)
