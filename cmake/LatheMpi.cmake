# The plug-ins of plugins/mpi, one for each MPI implementation whose compiler wrapper is installed; without one there is
# nothing to build, and lathe runs as one process. They lie beside lathe where it is built, and in LIBDIR/lathe where it
# is installed. Debian has both wrappers side by side under names with a suffix; elsewhere mpicxx is asked what it is.
option(LATHE_MPI "Build the plug-ins for the MPI implementations that are found" ON)
if(NOT LATHE_MPI)
  return()
endif()
find_program(LATHE_MPICXX_OPENMPI NAMES mpicxx.openmpi mpicxx)
find_program(LATHE_MPICXX_MPICH NAMES mpicxx.mpich mpicxx)
mark_as_advanced(LATHE_MPICXX_OPENMPI LATHE_MPICXX_MPICH)

# lathe_add_mpi(NAME WRAPPER FLAG...): the wrapper prints how to compile and link with each FLAG, or is another's.
function(lathe_add_mpi name wrapper)
  set(command "")
  foreach(flag IN LISTS ARGN)
    execute_process(COMMAND ${wrapper} ${flag} OUTPUT_VARIABLE out RESULT_VARIABLE code ERROR_QUIET
                    OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(NOT code EQUAL 0)
      return()
    endif()
    string(APPEND command " ${out}")
  endforeach()
  separate_arguments(words UNIX_COMMAND "${command}")
  set(includes ${words})
  list(FILTER includes INCLUDE REGEX "^-I")
  list(TRANSFORM includes REPLACE "^-I" "")
  set(links ${words})
  list(FILTER links INCLUDE REGEX "^(-l|-L|-pthread)")
  list(REMOVE_DUPLICATES links)
  add_library(lathe_mpi_${name} MODULE plugins/mpi/lathe_mpi.cc)
  set_target_properties(lathe_mpi_${name} PROPERTIES PREFIX "" CXX_VISIBILITY_PRESET hidden
                        LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  target_include_directories(lathe_mpi_${name} PRIVATE src)
  target_include_directories(lathe_mpi_${name} SYSTEM PRIVATE ${includes})
  # MPI's old C++ interface, which nothing here uses.
  target_compile_definitions(lathe_mpi_${name} PRIVATE OMPI_SKIP_MPICXX MPICH_SKIP_MPICXX)
  target_link_libraries(lathe_mpi_${name} PRIVATE lathe_flags ${links})
  install(TARGETS lathe_mpi_${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/lathe)
  message(STATUS "MPI: lathe_mpi_${name}.so by ${wrapper}")
endfunction()

if(LATHE_MPICXX_OPENMPI)
  lathe_add_mpi(openmpi ${LATHE_MPICXX_OPENMPI} --showme:compile --showme:link)
endif()
if(LATHE_MPICXX_MPICH)
  lathe_add_mpi(mpich ${LATHE_MPICXX_MPICH} -compile-info -link-info)
endif()
# Where an installed lathe looks, from the folder of its binary.
file(RELATIVE_PATH LATHE_MPI_FOLDER ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR}/lathe)
set_source_files_properties(cli/train_ranks.cc PROPERTIES COMPILE_DEFINITIONS "LATHE_MPI_FOLDER=\"${LATHE_MPI_FOLDER}\"")
