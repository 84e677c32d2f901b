/** Sends back what comes. */
export const ECHO = '/hostile/echo/1.0.0'
/** Takes a stream and reads nothing. */
export const SINK = '/hostile/sink/1.0.0'
