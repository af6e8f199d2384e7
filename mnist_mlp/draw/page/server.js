// What is asked of the page's server.

export const NO_SERVER = "The server does not answer; is it still running?"

export async function ask(path, options) {  // its answer; {error} if there is none
  try {
    return await (await fetch(path, options)).json()
  } catch {
    return {error: NO_SERVER}
  }
}
