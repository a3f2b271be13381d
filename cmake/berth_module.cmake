# The building blocks of src/CMakeLists.txt: modules, and the binaries made of them.

set_property(GLOBAL PROPERTY BERTH_MODULES "")

# berth_module(NAME DEPENDS module... LIBS library...)
#
# Makes the library berth_NAME (alias berth::NAME) from src/NAME/**.cpp, a test binary from *_test.cpp and one fuzzer from
# each *_fuzz.cpp. A dependency that no earlier line declared is refused, so there are no cycles; an #include of a
# module outside DEPENDS fails the build (check_includes.cmake).
function(berth_module name)
    cmake_parse_arguments(ARG "" "" "DEPENDS;LIBS" ${ARGN})
    get_property(known GLOBAL PROPERTY BERTH_MODULES)
    foreach(dependency IN LISTS ARG_DEPENDS)
        if(NOT dependency IN_LIST known)
            message(FATAL_ERROR "module '${name}' depends on '${dependency}', which is not declared above it")
        endif()
    endforeach()
    set_property(GLOBAL APPEND PROPERTY BERTH_MODULES ${name})
    set(folder ${CMAKE_CURRENT_SOURCE_DIR}/${name})
    file(GLOB_RECURSE all CONFIGURE_DEPENDS ${folder}/*.cpp)
    file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${folder}/*.h)
    set(tests ${all})
    list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
    set(fuzzers ${all})
    list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cpp$")
    set(sources ${all})
    list(FILTER sources EXCLUDE REGEX "_(test|fuzz)\\.cpp$")

    list(TRANSFORM ARG_DEPENDS PREPEND "berth::" OUTPUT_VARIABLE targets)
    if(sources)
        set(stamp ${CMAKE_CURRENT_BINARY_DIR}/${name}.includes-checked)
        add_custom_command(OUTPUT ${stamp}
            COMMAND ${CMAKE_COMMAND} -D NAME=${name} -D "ALLOWED=${ARG_DEPENDS}" -D "MODULES=${BERTH_ALL_MODULES}"
                    -D FOLDER=${folder} -D STAMP=${stamp} -P ${PROJECT_SOURCE_DIR}/cmake/check_includes.cmake
            DEPENDS ${all} ${headers} ${PROJECT_SOURCE_DIR}/cmake/check_includes.cmake VERBATIM)
        add_library(berth_${name} STATIC ${sources} ${stamp})
        berth_compile_together(berth_${name} ${folder} ${sources})
        # Quoted includes only: <sys/socket.h> must go on meaning the C library's.
        target_compile_options(berth_${name} PUBLIC "SHELL:-iquote ${CMAKE_CURRENT_SOURCE_DIR}")
        target_link_libraries(berth_${name} PUBLIC ${targets} ${ARG_LIBS})
    else()
        add_library(berth_${name} INTERFACE)
        target_compile_options(berth_${name} INTERFACE "SHELL:-iquote ${CMAKE_CURRENT_SOURCE_DIR}")
        target_link_libraries(berth_${name} INTERFACE ${targets} ${ARG_LIBS})
    endif()
    add_library(berth::${name} ALIAS berth_${name})

    if(tests AND BERTH_TESTS)
        add_executable(${name}_test EXCLUDE_FROM_ALL ${tests})
        add_dependencies(tests ${name}_test)
        # Tests are compiled once and run once: what they test keeps its own flags.
        target_compile_options(${name}_test PRIVATE $<$<CONFIG:Release>:-O0 -U_FORTIFY_SOURCE>)
        target_link_libraries(${name}_test PRIVATE berth::${name} GTest::gmock GTest::gtest_main)
        target_compile_definitions(${name}_test PRIVATE BERTH_TESTDATA="${folder}/testdata")
        add_test(NAME ${name} COMMAND ${name}_test WORKING_DIRECTORY ${folder})
    endif()
    if(BERTH_FUZZ)
        foreach(fuzzer IN LISTS fuzzers)
            get_filename_component(stem ${fuzzer} NAME_WE)
            add_executable(${stem} ${fuzzer})
            target_compile_options(${stem} PRIVATE -fsanitize=fuzzer)
            target_link_options(${stem} PRIVATE -fsanitize=fuzzer)
            target_link_libraries(${stem} PRIVATE berth::${name})
        endforeach()
    endif()
endfunction()

# berth_compile_together(TARGET FOLDER source...): compiles the files of a folder eight at a time, because reading the same
# headers is most of what compiling costs. So the private names of a folder's files must differ.
function(berth_compile_together target folder)
    list(SORT ARGN)
    set(last "")
    foreach(source IN LISTS ARGN)
        get_filename_component(directory ${source} DIRECTORY)
        if(NOT directory STREQUAL last)
            set(last ${directory})
            set(count 0)
        endif()
        math(EXPR batch "${count} / 8")
        math(EXPR count "${count} + 1")
        file(RELATIVE_PATH group ${folder} ${directory})
        string(MAKE_C_IDENTIFIER "${group}_${batch}" group)
        set_source_files_properties(${source} PROPERTIES UNITY_GROUP ${group})
    endforeach()
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU") # its notion of a header is any file that another one includes
        target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
    endif()
endfunction()

# berth_app(BINARY SOURCE file DEPENDS module...): one binary whose main() connects the modules.
# berth_app(BINARY SOURCE file STATIC DEPENDS module... LIBS library...): the same as a static program. It names all its
# modules, and links external libraries only by name: what a module could use besides need not exist in static form.
function(berth_app binary)
    cmake_parse_arguments(ARG "STATIC" "SOURCE" "DEPENDS;LIBS" ${ARGN})
    if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_SOURCE})
        return()
    endif()
    add_executable(${binary} ${ARG_SOURCE})
    if(ARG_STATIC AND NOT BERTH_SANITIZE)
        set(archives "")
        foreach(module IN LISTS ARG_DEPENDS)
            list(APPEND archives $<TARGET_FILE:berth_${module}>)
            add_dependencies(${binary} berth_${module})
        endforeach()
        target_link_libraries(${binary} PRIVATE -Wl,--start-group ${archives} -Wl,--end-group ${ARG_LIBS})
        # The linker warns of every function that could load a library of the machine's; apps/berth.cpp says why none does.
        target_link_options(${binary} PRIVATE -static -Wl,--no-warnings)
    else()
        list(TRANSFORM ARG_DEPENDS PREPEND "berth::" OUTPUT_VARIABLE targets)
        target_link_libraries(${binary} PRIVATE ${targets})
    endif()
    install(TARGETS ${binary} RUNTIME DESTINATION bin)
endfunction()
