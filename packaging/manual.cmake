# write_manual(PROGRAM SECTION TEXT FILE): the manual page of a program that says it all in its --help.
function(write_manual program section summary file)
    execute_process(COMMAND ${program} --help OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
    get_filename_component(name ${program} NAME)
    string(TOUPPER ${name} title)
    string(REPLACE "\\" "\\e" text "${text}")
    string(REPLACE "-" "\\-" text "${text}")
    # A line that begins with a control character would be a request. groff(7)
    string(REGEX REPLACE "\n([.'])" "\n\\\\&\\1" text "\n${text}")
    file(WRITE ${file} ".TH ${title} ${section} \"\" \"Berth\" \"Berth manual\"\n.SH NAME\n${name} \\- ${summary}\n"
                       ".SH DESCRIPTION\n.nf${text}.fi\n.SH SEE ALSO\n.BR berth (1)\n")
endfunction()
