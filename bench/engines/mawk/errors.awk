# The errors of a plain log as JSON lines. Control characters other than tabs do not occur in the logs measured here.
/^ERROR / {
    message = substr($0, length($1) + length($2) + 3)
    gsub(/\\/, "\\\\", message)
    gsub(/"/, "\\\"", message)
    gsub(/\t/, "\\t", message)
    printf "{\"time\":\"%s\",\"level\":\"ERROR\",\"message\":\"%s\"}\n", $2, message
}
