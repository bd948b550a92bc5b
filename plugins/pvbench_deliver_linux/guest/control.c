/* control.c - the lines that the guest and the host exchange over a serial port. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "control.h"

static int control = -1;

void open_control(const char *path)
{
	struct termios raw;

	control = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (control < 0 || tcgetattr(control, &raw))
		exit(1);
	cfmakeraw(&raw);
	cfsetspeed(&raw, B115200);
	tcsetattr(control, TCSANOW, &raw);
}

char *read_line(char *line, int size)
{
	int length = 0;

	while (length < size - 1) {
		char byte;

		if (read(control, &byte, 1) != 1)
			exit(1);
		if (byte == '\n')
			break;
		line[length++] = byte;
	}
	line[length] = '\0';
	return line;
}

static void say_all(const char *text, size_t length)
{
	while (length) {
		ssize_t written = write(control, text, length);

		if (written <= 0)
			exit(1);
		text += written;
		length -= written;
	}
}

static void vsay(const char *prefix, const char *format, va_list arguments)
{
	char *text, *line;

	if (vasprintf(&text, format, arguments) < 0 ||
	    asprintf(&line, "%s%s\n", prefix, text) < 0)
		exit(1);
	say_all(line, strlen(line));
	free(line);
	free(text);
}

void say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsay("", format, arguments);
	va_end(arguments);
}

void fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsay("error ", format, arguments);
	va_end(arguments);
	exit(2);
}

void pause_for_host(const char *phase)
{
	char line[16];

	say("%s", phase);
	if (strcmp(read_line(line, sizeof(line)), "go"))
		fail("the host answers %s to %s", line, phase);
}
