/** A commented configuration file to begin with: `tandem config example`. It parses without a warning. */
export const exampleConfig = `# not written yet\n`;
