# librdkafka: pkg-config's where it is new enough, else what tools/librdkafka.py built. Target RdKafka::rdkafka.
if(TARGET RdKafka::rdkafka)
  return()
endif()
find_package(PkgConfig REQUIRED)
pkg_check_modules(RDKAFKA QUIET IMPORTED_TARGET rdkafka>=${RdKafka_FIND_VERSION})
if(RDKAFKA_FOUND)
  add_library(RdKafka::rdkafka ALIAS PkgConfig::RDKAFKA)
  set(RdKafka_FOUND TRUE)
  return()
endif()

execute_process(COMMAND ${PROJECT_SOURCE_DIR}/tools/librdkafka.py --where OUTPUT_VARIABLE RDKAFKA_HOME
                OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
if(NOT EXISTS ${RDKAFKA_HOME}/lib/librdkafka.a)
  message(FATAL_ERROR "librdkafka ${RdKafka_FIND_VERSION} or newer is not there: tools/setup builds it")
endif()
find_package(OpenSSL REQUIRED)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
pkg_check_modules(RDKAFKA_ZSTD REQUIRED IMPORTED_TARGET libzstd)
add_library(RdKafka::rdkafka STATIC IMPORTED)
set_target_properties(RdKafka::rdkafka PROPERTIES
  IMPORTED_LOCATION ${RDKAFKA_HOME}/lib/librdkafka.a
  INTERFACE_INCLUDE_DIRECTORIES ${RDKAFKA_HOME}/include)
target_link_libraries(RdKafka::rdkafka INTERFACE OpenSSL::SSL OpenSSL::Crypto ZLIB::ZLIB PkgConfig::RDKAFKA_ZSTD
                      Threads::Threads ${CMAKE_DL_LIBS} m rt)
set(RdKafka_FOUND TRUE)
