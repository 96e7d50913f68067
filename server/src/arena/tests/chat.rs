use super::Match;

#[test]
fn a_line_reaches_all_with_its_sender_and_cleaned() {
    let mut game = Match::new(1, 0);
    game.join(7);
    game.lines();
    game.say(7, " hi\u{202E}  all\n");
    game.say(8, "I do not play");
    game.say(7, "\n");
    game.tick(&[]);
    assert_eq!(game.lines(), [(Some(7), "hi all".to_owned())]);
}

#[test]
fn joining_and_leaving_is_told() {
    let mut game = Match::new(1, 0);
    game.join(7);
    game.leave(7);
    assert_eq!(game.lines(), [(None, "7 joined".to_owned()), (None, "7 left".to_owned())]);
}

#[test]
fn a_full_server_that_talks_too_fast_is_cut_off() {
    let mut game = Match::new(1, 0);
    game.join(7);
    game.lines();
    for _ in 0..50 {
        game.say(7, "buy");
    }
    game.tick(&[]);
    assert_eq!(game.lines().len(), 40);
}

#[test]
fn a_crowd_of_newcomers_does_not_flood_the_chat() {
    let mut game = Match::new(1, 0);
    for client_id in 0..60 {
        game.join(client_id);
    }
    assert!(game.lines().len() <= 12);
}
