# The rooms of the house (docs/overview.md). Each folder of src/ is one library; the list after its
# name is what it may import. The same table drives linking here and the include test
# (tests/unit/architecture), so the two cannot drift apart.
set(REDLINE_ROOM_TARGETS "")
set(REDLINE_ROOM_TABLE "")
# Operations pass through these: optimised as far as the preset says.
set(REDLINE_HOT base resp rdb cluster workload schedule record transport mitigation backing engine)
set(REDLINE_HOT_OBJECTS "")

# Files as constants that `header` declares, made again when a file changes: NAME=FILE …, FILE from the
# room's folder on, or absolute.
function(redline_embed room header)
  set(out ${CMAKE_BINARY_DIR}/generated/${room}_embedded.cc)
  set(files "")
  set(depends ${CMAKE_SOURCE_DIR}/cmake/embed.cmake)
  foreach(entry ${ARGN})
    if(NOT entry MATCHES "=/")
      string(REPLACE "=" "=${CMAKE_SOURCE_DIR}/src/${room}/" entry ${entry})
    endif()
    string(REGEX REPLACE "^[^=]+=" "" file ${entry})
    list(APPEND files ${entry})
    list(APPEND depends ${file})
  endforeach()
  add_custom_command(OUTPUT ${out} DEPENDS ${depends} VERBATIM
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DHEADER=${header} "-DFILES=${files}" -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake)
  target_sources(redline_${room} PRIVATE ${out})
endfunction()

function(redline_room name)
  cmake_parse_arguments(ARG "" "UNITY" "IMPORTS;LIBRARIES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cc)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.h)
  if(NOT sources AND NOT headers)
    message(FATAL_ERROR "the room src/${name} has no files")
  endif()
  set(scope PUBLIC)
  if(sources)
    add_library(redline_${name} STATIC ${sources} ${headers})
    target_link_libraries(redline_${name} PRIVATE redline_compiler)
    if(name IN_LIST REDLINE_HOT)
      set(REDLINE_HOT_OBJECTS ${REDLINE_HOT_OBJECTS} $<TARGET_OBJECTS:redline_${name}> PARENT_SCOPE)
    else()
      target_compile_options(redline_${name} PRIVATE ${REDLINE_COLD_OPTIONS})
    endif()
    if(NOT ARG_UNITY)
      set(ARG_UNITY 5)  # sources compiled as one
    endif()
    redline_unity(redline_${name} ${ARG_UNITY})
  else()
    add_library(redline_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(redline_${name} ${scope} ${CMAKE_SOURCE_DIR}/src)
  foreach(import ${ARG_IMPORTS})
    if(TARGET redline_${import})
      target_link_libraries(redline_${name} ${scope} redline_${import})
    endif()
  endforeach()
  target_link_libraries(redline_${name} ${scope} ${ARG_LIBRARIES} Threads::Threads)
  string(REPLACE ";" " " imports "${ARG_IMPORTS}")
  set(REDLINE_ROOM_TARGETS ${REDLINE_ROOM_TARGETS} redline_${name} PARENT_SCOPE)
  set(REDLINE_ROOM_TABLE "${REDLINE_ROOM_TABLE}${name}: ${imports}\n" PARENT_SCOPE)
endfunction()

redline_room(base       LIBRARIES fmt::fmt)
redline_room(os         IMPORTS base)
redline_room(json       IMPORTS base LIBRARIES nlohmann_json::nlohmann_json)
redline_room(resp       IMPORTS base)
redline_room(rdb        IMPORTS base)
redline_room(cluster    IMPORTS base resp)
redline_room(workload   IMPORTS base)
redline_room(schedule   IMPORTS base)
redline_room(record     IMPORTS base)
redline_room(rundir     IMPORTS base os json record LIBRARIES ZLIB::ZLIB)
redline_room(model      IMPORTS base LIBRARIES Boost::headers)
redline_room(transport  IMPORTS base os LIBRARIES PkgConfig::liburing OpenSSL::SSL)
redline_room(mitigation IMPORTS base workload cluster)
redline_room(backing    IMPORTS base workload)
redline_room(pg         IMPORTS base os workload backing LIBRARIES PkgConfig::libpq)
redline_room(engine     IMPORTS base os resp rdb cluster workload schedule record transport mitigation backing)
redline_room(server     IMPORTS base os json resp cluster record transport pg)
redline_embed(server server/embedded.h kComposeNode=../../deploy/compose/node.yml
  kComposeCluster=../../deploy/compose/cluster.yml
  kPrometheusConfig=../../deploy/prometheus/prometheus.yml
  kRecordingRules=../../deploy/prometheus/rules/recording.yml kAlertRules=../../deploy/prometheus/rules/alerts.yml)
redline_room(chaos      IMPORTS base os cluster record transport server)
redline_room(doctor     IMPORTS base os json resp cluster record model transport server chaos)
redline_room(metrics    IMPORTS base os json record LIBRARIES PkgConfig::prometheus_core Boost::headers)
redline_embed(metrics metrics/page_files.h kPageHtml=../../web/index.html kPageCss=../../web/page.css
  kPageJs=../../web/page.js kPageModelJs=../../web/model.js kPageChartsJs=../../web/charts.js
  kPageSlotsJs=../../web/slots.js kPageTextJs=../../web/text.js kDygraphJs=${REDLINE_DYGRAPH_JS}
  kDygraphCss=${REDLINE_DYGRAPH_CSS} kDygraphLicence=${REDLINE_DYGRAPH_LICENCE})
redline_room(run        IMPORTS base os resp rdb cluster workload schedule record rundir model transport mitigation backing
                                pg engine server chaos metrics)
redline_room(lab        IMPORTS base os resp cluster workload transport pg run server chaos record model rundir LIBRARIES PkgConfig::tomlplusplus
                        UNITY 2)  # its files are long: three of them take 16 s
redline_room(plan       IMPORTS base json model)
redline_embed(plan plan/embedded.h kCoefficientsJson=coefficients.json)
redline_room(calibrate  IMPORTS base os json record model rundir server run lab plan)
redline_room(report     IMPORTS base os record rundir model plan LIBRARIES nlohmann_json::nlohmann_json)
redline_embed(report report/embedded.h kReportCss=report.css kReportJs=report.js
              kPlotCss=plot.css)
redline_room(top        IMPORTS base json resp cluster record model transport server report)

file(WRITE ${CMAKE_BINARY_DIR}/rooms.txt "${REDLINE_ROOM_TABLE}")
