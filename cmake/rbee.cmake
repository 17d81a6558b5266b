# How every folder of src/ becomes one target, and its tests one program.
include(GoogleTest)

add_library(rbee_settings INTERFACE)
target_include_directories(rbee_settings INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_compile_definitions(rbee_settings INTERFACE BOOST_ASIO_NO_DEPRECATED)
target_compile_options(rbee_settings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # gcc 12 warns of overlaps in `"literal" + std::string` that do not exist (GCC bug 105329).
  # It also takes Asio's allocator of coroutine frames for a mismatch (GCC bug 103993),
  # and, where it optimises, the other alternatives of a std::variant for uninitialised.
  target_compile_options(rbee_settings INTERFACE
    -fcoroutines -Wno-restrict -Wno-mismatched-new-delete
    $<$<NOT:$<CONFIG:Debug>>:-Wno-maybe-uninitialized>)
endif()
target_link_libraries(rbee_settings INTERFACE
  Threads::Threads Boost::headers tl::expected fmt::fmt)
if(RBEE_SANITIZE)
  target_compile_options(rbee_settings INTERFACE -fsanitize=${RBEE_SANITIZE}
    -fno-sanitize-recover=all -fno-omit-frame-pointer -g -O1)
  target_link_options(rbee_settings INTERFACE -fsanitize=${RBEE_SANITIZE})
  if(RBEE_SANITIZE MATCHES thread AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # The thread sanitizer does not see Asio's fences; the mutexes beside them suffice for it.
    target_compile_options(rbee_settings INTERFACE -Wno-tsan)
  endif()
endif()

# rbee_folder(NAME [SOURCES file...] LINK target... [TESTS file...] [TEST_LINK target...])
# A library of SOURCES (headers only where there are none) and, beside it, the program NAME_test
# of TESTS where tests are built.
function(rbee_folder NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;TESTS;TEST_LINK" ${ARGN})
  if(ARG_SOURCES)
    add_library(${NAME} STATIC ${ARG_SOURCES})
    target_link_libraries(${NAME} PUBLIC rbee_settings ${ARG_LINK})
  else()
    add_library(${NAME} INTERFACE)
    target_link_libraries(${NAME} INTERFACE rbee_settings ${ARG_LINK})
  endif()
  if(ARG_TESTS AND RBEE_WITH_TESTS)
    rbee_test(${NAME}_test SOURCES ${ARG_TESTS} LINK ${NAME} ${ARG_TEST_LINK})
  endif()
endfunction()

# rbee_test(NAME SOURCES file... LINK target... [LABEL label])
function(rbee_test NAME)
  cmake_parse_arguments(ARG "" "LABEL" "SOURCES;LINK" ${ARGN})
  add_executable(${NAME} ${ARG_SOURCES})
  target_include_directories(${NAME} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${NAME} PRIVATE ${ARG_LINK} GTest::gmock GTest::gtest_main)
  gtest_discover_tests(${NAME} DISCOVERY_MODE PRE_TEST
    PROPERTIES TIMEOUT 300 LABELS "${ARG_LABEL}")
endfunction()
