//! The terminal that a run is drawn on: it is taken over, and given back as it was.

use std::io::{self, Stderr, stderr, stdin};

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};
use tidelock_sim::live::{Screen, draw};

/// A terminal, on standard error: standard output may be a file.
pub(crate) struct ScreenTerminal {
    terminal: Terminal<CrosstermBackend<Stderr>>,
    /// What the terminal did with keys before; `None` if standard input is none.
    keys: Option<Termios>,
}

impl ScreenTerminal {
    /// Takes it over: what is typed is not shown meanwhile. Ctrl-C is a signal as ever.
    pub(crate) fn open() -> io::Result<Self> {
        let mut terminal = Terminal::new(CrosstermBackend::new(stderr()))?;
        execute!(stderr(), EnterAlternateScreen)?;
        let keys = tcgetattr(stdin()).ok();
        if let Some(mut quiet) = keys.clone() {
            quiet.local_flags.remove(LocalFlags::ECHO | LocalFlags::ICANON);
            tcsetattr(stdin(), SetArg::TCSANOW, &quiet)?;
        }
        terminal.hide_cursor()?;
        Ok(Self { terminal, keys })
    }

    pub(crate) fn draw(&mut self, screen: &Screen) -> io::Result<()> {
        self.terminal.draw(|frame| draw(screen, frame)).map(drop)
    }
}

impl Drop for ScreenTerminal {
    /// A terminal that is gone takes nothing back.
    fn drop(&mut self) {
        let _ = self.terminal.show_cursor();
        let _ = execute!(stderr(), LeaveAlternateScreen);
        if let Some(keys) = &self.keys {
            let _ = tcsetattr(stdin(), SetArg::TCSAFLUSH, keys);
        }
    }
}
